"""The two optimisers of a training run, their common schedule, and their state as plain tensors."""

import math

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.recipes.muon import Muon
from models.recipes.recipe import Optimisation


class Optimisers:
    """Muon for the matrices of the encoder's blocks, AdamW for all other parameters."""

    def __init__(self, student: nn.Module, config: Optimisation) -> None:
        self._config = config
        named = list(student.named_parameters())
        matrices = [tensor for name, tensor in named if ".blocks." in name and tensor.dim() == 2]
        others = [tensor for name, tensor in named if not (".blocks." in name and tensor.dim() == 2)]
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
                group["lr"] = self._rates[name] * schedule(step, self._config)
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


def schedule(step: int, config: Optimisation) -> float:
    """Share of the peak rate: linear warm-up, then a cosine down to final_rate."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    done = min(1.0, (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps))
    return config.final_rate + (1 - config.final_rate) * 0.5 * (1 + math.cos(math.pi * done))
