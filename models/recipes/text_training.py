"""The training loop of the text models: any network and loss; resumable after a kill at any moment."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.model_files import save_tensors
from models.recipes.optimisers import Optimisers
from models.recipes.recipe import Optimisation
from models.recipes.run_log import LOG
from models.recipes.run_state import STATE, refusal

Losses = Callable[[int], Mapping[str, Tensor]]
"""The losses of a step, whose sum is minimised."""

_FREE = {"steps", "save_every", "evaluate_every"}
_LOG_EVERY = 20


class TextRun:
    """A network, its averaged weights and optimisers, in a folder; continues from the folder's state.

    settings: what else the state cannot be separated from, as JSON has it.
    """

    def __init__(self, network: nn.Module, config: Optimisation, settings: Mapping[str, Any], output: Path) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self.network, self.config, self.output = network, config, output
        kept = {key: value for key, value in asdict(config).items() if key not in _FREE}
        self._settings = json.loads(json.dumps({**settings, "optimisation": kept}))
        self.average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        self._optimisers = Optimisers(network, config)
        self.step = 0
        self._resume()

    def run(self, losses: Losses, look: Callable[[], Mapping[str, float]]) -> None:
        """Train to the last step; look at the averaged weights now and then, and at the end, and log what it says."""
        begun, last = time.process_time(), self.step
        self.network.train()
        while self.step < self.config.steps:
            figures = self._train_step(losses)
            if self.step % _LOG_EVERY == 0:
                seconds = (time.process_time() - begun) / (self.step - last)
                self._log({**figures, "cpu_seconds_a_step": seconds})
                begun, last = time.process_time(), self.step
            if self.step % self.config.save_every == 0 or self.step == self.config.steps:
                self._save()
            if self.step % self.config.evaluate_every == 0 and self.step < self.config.steps:
                self._log(look())
        self._log(look())

    def _train_step(self, losses: Losses) -> dict[str, float]:
        parts = losses(self.step)
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        if torch.isfinite(norm):
            self._optimisers.step(self.step)
        self._optimisers.zero_grad()
        self.step += 1
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for name, tensor in self.network.state_dict().items():
            self.average[name].lerp_(tensor, 1 - decay)
        return {**{name: loss.item() for name, loss in parts.items()}, "norm": norm.item()}

    def _log(self, figures: Mapping[str, float]) -> None:
        line = {"step": self.step, **{name: round(value, 4) for name, value in figures.items()}}
        with (self.output / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _save(self) -> None:
        tensors = {f"network/{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"average/{name}": tensor for name, tensor in self.average.items()}
        tensors |= {f"optimisers/{name}": tensor for name, tensor in self._optimisers.tensors().items()}
        tensors["step"] = torch.tensor(self.step)
        tensors["settings"] = torch.tensor(list(json.dumps(self._settings).encode()), dtype=torch.uint8)
        save_tensors(self.output / STATE, {name: tensor.detach() for name, tensor in tensors.items()})

    def _resume(self) -> None:
        path = self.output / STATE
        if not path.exists():
            return
        try:
            tensors = load_file(path)
            if json.loads(bytes(tensors["settings"].tolist())) != self._settings:
                raise ValueError("its settings are others")
            self.network.load_state_dict(_below(tensors, "network/"))
            self.average = _below(tensors, "average/")
            self._optimisers.load_tensors(_below(tensors, "optimisers/"))
            self.step = int(tensors["step"])
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise refusal(path, error) from error


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
