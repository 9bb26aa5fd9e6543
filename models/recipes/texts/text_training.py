"""The training of the text models: any network and loss, on the CPU."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.recipes.loop.average import Average
from models.recipes.loop.rank import Rank
from models.recipes.loop.run import Run
from models.recipes.loop.run_state import settings_of
from models.recipes.recipe import Optimisation

Losses = Callable[[int], Mapping[str, Tensor]]
"""The losses of a step, whose sum is minimised."""


class TextRun:
    """A network and its averaged weights, in a folder; continues from the folder's state.

    settings: what else the state cannot be separated from, as JSON has it.
    """

    def __init__(self, network: nn.Module, config: Optimisation, settings: Mapping[str, Any], output: Path) -> None:
        self.network = network
        self._average = Average(network, config.ema_decay)
        kept = settings_of({"optimisation": config}, settings)
        self._run = Run(network, self._average.weights, config, kept, output, Rank(torch.device("cpu")))

    @property
    def average(self) -> dict[str, Tensor]:
        """The averaged weights by name."""
        return self._average.weights

    @property
    def step(self) -> int:
        """How many steps are done."""
        return self._run.step

    def run(self, losses: Losses, look: Callable[[], Mapping[str, float]]) -> None:
        """Train to the last step; look at the averaged weights now and then, and at the end, and log what it says."""

        def train_step(step: int) -> None:
            parts = losses(step)
            self._run.update(torch.stack(list(parts.values())).sum(), parts)
            self._average.follow(self.step)

        def measured() -> dict[str, float]:
            return {name: round(value, 4) for name, value in look().items()}

        self.network.train()
        self._run.train((step for step in range(self.step, self._run.config.steps)), train_step, measured)
