"""Self-supervised pre-training of an encoder on all audio; resumable after a kill at any moment.

The checkpoint that a run writes is for `asr train --start`: its heads are zero, as those of a new model are.
"""

from pathlib import Path

import numpy as np
import torch

from models.recipes.loop.rank import Rank
from models.recipes.loop.run import Run
from models.recipes.loop.run_state import settings_of
from models.recipes.pretraining.objectives import Moment
from models.recipes.pretraining.pretrain_recipes import AnyBatch, Pretraining


class Pretrainer:
    """The pre-training of a recipe in a folder, as models.recipes.loop.run has it; each rank makes its own batches."""

    def __init__(self, recipe: Pretraining, data: Path, output: Path, rank: Rank) -> None:
        self.recipe, self.output, self.rank = recipe, output, rank
        torch.manual_seed(recipe.seed)
        self.batches, objective = recipe.begin(data, rank)
        self.objective = objective.to(rank.device)
        kept = settings_of(recipe.kept, {"seed": recipe.seed})
        self.loop = Run(self.objective, {}, recipe.optimisation, kept, output, rank)

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        batches = self.batches.of_steps(self.recipe.name, self.loop.step, self.recipe.optimisation.steps)
        self.loop.train(batches, self._train_step, dict)
        if self.rank.leads:
            self.export()

    def _train_step(self, batch: AnyBatch) -> None:
        moment = self._moment()
        loss, figures = self.loop.shared(*batch.heard, moment)
        self.loop.update(loss, {**figures, "chunk": torch.tensor(moment.chunk_frames or 0)}, batch.seconds)
        self.objective.follow(self.loop.step / self.recipe.optimisation.steps)

    def _moment(self) -> Moment:
        """What is drawn for a step depends on the seed and the step alone."""
        config, step = self.recipe.optimisation, self.loop.step
        random = np.random.default_rng([self.recipe.seed, 2, step])
        chunk = config.chunks[random.integers(len(config.chunks))]
        return Moment(chunk or None, step / config.steps, self.rank.generator(random))

    def export(self) -> Path:
        """Write the encoder with heads of zero as a checkpoint; its folder."""
        folder = self.output / "checkpoint"
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.loop.step,
            "hours_heard": round(self.loop.seconds_heard / 3600, 1),
            **self.recipe.provenance,
        }
        self.recipe.save(folder, self.objective, provenance)
        return folder
