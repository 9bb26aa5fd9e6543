"""The two optimisers of a training run, and their state as plain tensors."""

from typing import Protocol

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.recipes.muon import Muon


class Rates(Protocol):
    """The peak rates of a run, and their schedule."""

    @property
    def learning_rate(self) -> float:
        """AdamW's."""
        ...

    @property
    def muon_learning_rate(self) -> float:
        """Muon's; 0 leaves all parameters to AdamW."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of both."""
        ...

    def share(self, step: int) -> float:
        """Share of the peak rates at a step."""
        ...


class Optimisers:
    """Muon for the matrices of the encoder's blocks or layers, AdamW for all other parameters that learn."""

    def __init__(self, student: nn.Module, config: Rates) -> None:
        self._config = config
        learning = [(name, tensor) for name, tensor in student.named_parameters() if tensor.requires_grad]
        matrices = [tensor for name, tensor in learning if config.muon_learning_rate and _is_matrix(name, tensor)]
        chosen = {id(tensor) for tensor in matrices}
        others = [tensor for _, tensor in learning if id(tensor) not in chosen]
        decay = config.weight_decay
        self._rates = {"muon": config.muon_learning_rate, "adamw": config.learning_rate}
        self._optimisers: dict[str, Optimizer] = {
            "adamw": AdamW(others, config.learning_rate, betas=(0.9, 0.98), weight_decay=decay),
        }
        if matrices:
            self._optimisers["muon"] = Muon(matrices, config.muon_learning_rate, decay)

    def step(self, step: int) -> None:
        """Update the parameters with the rates of a step."""
        for name, optimiser in self._optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = self._rates[name] * self._config.share(step)
            optimiser.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimiser in self._optimisers.values():
            optimiser.zero_grad()

    def tensors(self) -> dict[str, Tensor]:
        """The state, for load_tensors."""
        return {
            f"{name}/{index}/{key}": value
            for name, optimiser in self._optimisers.items()
            for index, state in optimiser.state_dict()["state"].items()
            for key, value in state.items()
        }

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Restore the state that tensors() gave."""
        states: dict[str, dict[int, dict[str, Tensor]]] = {name: {} for name in self._optimisers}
        for path, value in tensors.items():
            name, index, key = path.split("/")
            states[name].setdefault(int(index), {})[key] = value.cpu() if key == "step" else value
        for name, optimiser in self._optimisers.items():
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": states[name], "param_groups": groups})


def _is_matrix(name: str, tensor: Tensor) -> bool:
    return tensor.dim() == 2 and (".blocks." in name or ".layers." in name)
