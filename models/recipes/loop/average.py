"""The moving average of a network's weights, which is what comes out of a run."""

from torch import Tensor, nn


class Average:
    """Weights by name that follow a module's, quickly at first and then with a decay."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module, self._decay = module, decay
        self.weights = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    def follow(self, step: int) -> None:
        """Move towards the module's weights, the faster the fewer steps there were."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, tensor in self._module.state_dict().items():
            self.weights[name].lerp_(tensor, 1 - decay)

    def shipped(self) -> dict[str, Tensor]:
        """The weights in main memory, matrices in 16 bits."""
        halves = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in self.weights.items()}
        return {name: tensor.cpu() for name, tensor in halves.items()}
