"""Self-supervised pre-training of an encoder on all audio; resumable after a kill at any moment.

The checkpoint that a run writes is for `asr train --start`: its heads are zero, as those of a new model are.
"""

import time
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.recipes.optimisers import Optimisers
from models.recipes.pretrain_recipes import AnyBatch, Pretraining
from models.recipes.pretraining import Moment
from models.recipes.rank import Rank
from models.recipes.run_log import RunLog
from models.recipes.run_state import STATE, RunState, load_state, refusal, save_state


class Pretrainer:
    """One run of a recipe in a folder; continues from the folder's state where there is one.

    rank: of several, each makes batches of its own, and the first one writes, as in models.recipes.train.
    """

    def __init__(self, recipe: Pretraining, data: Path, output: Path, rank: Rank) -> None:
        self.recipe, self.output, self.rank = recipe, output, rank
        output.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.batches, objective = recipe.begin(data, rank)
        self.objective = objective.to(rank.device)
        self.optimisers = Optimisers(self.objective, recipe.optimisation)
        self.step, self.seconds_heard = 0, 0.0
        self._resume()
        self.losses = rank.share(self.objective)
        self.log = RunLog(output)

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        config = self.recipe.optimisation
        batches = self.batches.of_steps(self.recipe.name, self.step, config.steps)
        with closing(self.log), closing(batches):
            for batch in batches:
                self._train_step(batch)
                if self.rank.leads and self.step % config.save_every == 0:
                    self._save()
            if self.rank.leads:
                self._save()
                self.export()

    def _train_step(self, batch: AnyBatch) -> None:
        started = time.monotonic()
        config = self.recipe.optimisation
        moment = self._moment()
        loss, figures = self.losses(*batch.heard, moment)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_norm)
        if torch.isfinite(norm):
            self.optimisers.step(self.step)
        self.optimisers.zero_grad()
        self.step += 1
        self.objective.follow(self.step / config.steps)
        self.seconds_heard += self.rank.total(batch.seconds)
        if self.rank.leads and self.step % 20 == 0:
            seen = {name: round(figure.item(), 4) for name, figure in figures.items()}
            elapsed = round(time.monotonic() - started, 3)
            timed = {"norm": round(norm.item(), 3), "seconds": elapsed, "chunk": moment.chunk_frames or 0}
            self.log.write(self.step, self.seconds_heard / 3600, seen | timed)

    def _moment(self) -> Moment:
        """What is drawn for a step depends on the seed and the step alone."""
        config = self.recipe.optimisation
        random = np.random.default_rng([self.recipe.seed, 2, self.step])
        chunk = config.chunks[random.integers(len(config.chunks))]
        generator = torch.Generator(self.rank.device).manual_seed(int(random.integers(2**62)) + self.rank.number)
        return Moment(chunk or None, self.step / config.steps, generator)

    def export(self) -> Path:
        """Write the encoder with heads of zero as a checkpoint; its folder."""
        folder = self.output / "checkpoint"
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.step,
            "hours_heard": round(self.seconds_heard / 3600, 1),
            **self.recipe.provenance,
        }
        self.recipe.save(folder, self.objective, provenance)
        return folder

    def _save(self) -> None:
        state = RunState(self.objective.state_dict(), {}, self.optimisers.tensors(), self.step, self.seconds_heard)
        save_state(self.output / STATE, state, self.recipe)

    def _resume(self) -> None:
        state = load_state(self.output / STATE, self.recipe, self.rank.device)
        if state is None:
            return
        try:
            self.objective.load_state_dict(state.student)
            self.optimisers.load_tensors(state.optimisers)
        except (RuntimeError, KeyError) as error:
            raise refusal(self.output / STATE, error) from error
        self.step, self.seconds_heard = state.step, state.seconds_heard
