"""The two optimisers of a training run, and their state as plain tensors."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from models.recipes.loop.muon import Muon

if TYPE_CHECKING:
    from models.recipes.finetuning.finetune_recipe import TriStage
    from models.recipes.recipe import Optimisation


class Optimisers:
    """Muon for the matrices of the encoder's blocks or layers, AdamW for all other parameters that learn."""

    def __init__(self, student: nn.Module, config: "Optimisation | TriStage") -> None:
        self._config, self._parameters = config, list(student.parameters())
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

    def descend(self, loss: Tensor, step: int) -> Tensor:
        """Update the parameters by a loss with the rates of a step, not by one whose gradient is infinite; its norm."""
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._parameters, self._config.clip_norm)
        if torch.isfinite(norm):
            self._step(self._config.share(step))
        for optimiser in self._optimisers.values():
            optimiser.zero_grad()
        return norm

    def _step(self, share: float) -> None:
        """Update the parameters with a share of the peak rates."""
        for name, optimiser in self._optimisers.items():
            for group in optimiser.param_groups:
                group["lr"] = self._rates[name] * share
            optimiser.step()

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
