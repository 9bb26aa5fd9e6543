"""The loop of a training: its steps, what it keeps in a folder and what it tells of itself."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor, nn

from models.recipes.loop.optimisers import Optimisers
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_log import RunLog
from models.recipes.loop.run_state import STATE, RunState, load_state, refusal, save_state

if TYPE_CHECKING:
    from models.recipes.finetuning.finetune_recipe import TriStage
    from models.recipes.recipe import Optimisation

Batch = TypeVar("Batch")

_LOG_EVERY = 20


class Run:
    """A network in training in a folder; continues from the folder's state where there is one.

    network: all that learns. average: weights that follow it, which the state has beside it. settings: what the state
    cannot be separated from. rank: of several, the first one writes. They read one state, so the folder must be one
    that all of them see; ValueError where it is not, or has a state that this run cannot go on from.
    """

    def __init__(
        self,
        network: nn.Module,
        average: dict[str, Tensor],
        config: "Optimisation | TriStage",
        settings: Mapping[str, Any],
        output: Path,
        rank: Rank,
    ) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self.network, self.average, self.config, self.rank = network, average, config, rank
        self._settings, self._path = settings, output / STATE
        self._optimisers = Optimisers(network, config)
        self._log = RunLog(output)
        self._step_began = time.monotonic()
        self.step, self.seconds_heard = 0, 0.0
        self._resume()
        if self.rank.total(self.step) != self.rank.count * self.step:
            raise ValueError(f"the ranks found other states than this one's in {output}: name a folder that all see")
        self.shared = rank.share(network)

    def train(
        self,
        batches: Generator[Batch, None, None],
        train_step: Callable[[Batch], None],
        look: Callable[[], Mapping[str, float]],
    ) -> None:
        """Train on batches, those from self.step to the last step; train_step ends with update.

        look: measures and writes what has been learnt, now and then and at the end; its figures are logged.
        """
        if self.rank.leads:
            self._log.forget_after(self.step)
        with closing(self._log), closing(batches):
            for batch in batches:
                self._step_began = time.monotonic()
                train_step(batch)
                if not self.rank.leads or self.step == self.config.steps:
                    continue
                if self.step % self.config.save_every == 0:
                    self.save()
                if self.step % self.config.evaluate_every == 0:
                    self._tell(look())
            if self.rank.leads:
                self.save()
                self._tell(look())

    def update(self, loss: Tensor, figures: Mapping[str, Tensor], seconds: float = 0.0) -> None:
        """End a step: the weights move by its loss; its figures are logged now and then.

        seconds: of speech in this rank's batch.
        """
        norm = self._optimisers.descend(loss, self.step)
        self.step += 1
        self.seconds_heard += self.rank.total(seconds)
        if self.rank.leads and self.step % _LOG_EVERY == 0:
            told = {name: round(figure.item(), 4) for name, figure in figures.items()}
            elapsed = time.monotonic() - self._step_began
            self._tell({**told, "norm": round(norm.item(), 3), "seconds": round(elapsed, 3)})

    def save(self) -> None:
        """Write the state."""
        tensors = self.network.state_dict(), self.average, self._optimisers.tensors()
        save_state(self._path, RunState(*tensors, self.step, self.seconds_heard), self._settings)

    def _tell(self, figures: Mapping[str, float]) -> None:
        if figures:
            self._log.write(self.step, self.seconds_heard / 3600, figures)

    def _resume(self) -> None:
        state = load_state(self._path, self._settings, self.rank.device)
        if state is None:
            return
        try:
            self.network.load_state_dict(state.student)
            self._optimisers.load_tensors(state.optimisers)
        except (RuntimeError, KeyError) as error:
            raise refusal(self._path, error) from error
        self.average.update(state.average)
        self.step, self.seconds_heard = state.step, state.seconds_heard
