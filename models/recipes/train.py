"""The training of a streaming model; resumable after a kill at any moment, on CPU cores, a GPU or several ranks."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from decoder.metrics import ErrorCounts, align
from models.checkpoint import Checkpoint, save_checkpoint
from models.ctc import CtcModel, greedy_labels
from models.frontend import FrontendConfig
from models.recipes.data.batches import Batch, BatchMaker, BatchPlan, Sample
from models.recipes.data.samples import DELIMITERS, HEADS, dev_samples, noises, training_samples
from models.recipes.loop.average import Average
from models.recipes.loop.rank import Rank
from models.recipes.loop.run import Run
from models.recipes.loop.run_batches import RunBatches
from models.recipes.loop.run_state import settings_of
from models.recipes.objectives import Objectives, loss_weights
from models.recipes.recipe import Recipe
from models.recipes.student import new_student


class Trainer:
    """The training of a recipe in a folder, as models.recipes.loop.run has it; each rank makes batches of its own.

    start: a checkpoint whose weights the run begins with instead of random ones; of the recipe's shape, but of any
    number of blocks.
    """

    def __init__(self, recipe: Recipe, data: Path, output: Path, rank: Rank, start: Checkpoint | None = None) -> None:
        self.recipe, self.output, self.rank = recipe, output, rank
        torch.manual_seed(recipe.seed)
        self.samples = training_samples(recipe, data)
        self.dev = dev_samples(recipe, data)
        if not self.samples:
            raise ValueError(f"the recipe {recipe.name} finds nothing to train on under {data}")
        plan = BatchPlan(self.samples, recipe.batches, recipe.seed)
        heads, noise = [head.name for head in HEADS], noises(recipe, data)
        maker = BatchMaker(noise, recipe.batches, recipe.augmentation, heads, recipe.seed, DELIMITERS)
        self.batches = RunBatches(plan, maker, rank)
        self.objectives = Objectives(recipe, data, rank.device)
        self.start = start
        self.student = new_student(recipe, self.samples, start).to(rank.device)
        self.average = Average(self.student.model, recipe.optimisation.ema_decay)
        kept = settings_of(recipe.kept, {"seed": recipe.seed, "start": start.sha256 if start else ""})
        self.loop = Run(self.student, self.average.weights, recipe.optimisation, kept, output, rank)

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        batches = self.batches.of_steps(self.recipe.name, self.loop.step, self.recipe.optimisation.steps)
        self.loop.train(batches, self._train_step, self._look)

    def _train_step(self, batch: Batch) -> None:
        step, chunks = self.loop.step, self.recipe.optimisation.chunks
        chunk = chunks[np.random.default_rng([self.recipe.seed, 2, step]).integers(len(chunks))]
        losses = self.loop.shared(batch, chunk or None, self.objectives.at(step))
        weights = loss_weights(self.recipe, step)
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        self.loop.update(total, {**losses, "chunk": torch.tensor(chunk)}, batch.seconds)
        self.average.follow(step)

    def _look(self) -> dict[str, float]:
        """Write the checkpoint; its label error rates on dev: per cent, greedy, by corpus, 640 ms chunks."""
        self.export()
        if not self.dev:
            return {}
        model = CtcModel(self.recipe.encoder, HEADS).to(self.rank.device)
        model.load_state_dict(self.average.weights)
        rates = label_error_rates(model.eval(), self.dev)
        return {f"dev {name}": round(rate, 2) for name, rate in rates.items()}

    def export(self) -> Path:
        """Write the averaged weights as a checkpoint; its folder."""
        folder = self.output / "checkpoint"
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.loop.step,
            "hours_heard": round(self.loop.seconds_heard / 3600, 1),
            "optimisation": asdict(self.recipe.optimisation),
            **self.recipe.provenance,
        }
        if self.start is not None:
            provenance["start"] = _origin(self.start)
        if self.recipe.distillation is not None and self.objectives.teacher is not None:
            teacher = _origin(self.objectives.teacher.checkpoint)
            provenance["distillation"] = {**asdict(self.recipe.distillation), "teacher": teacher}
        if self.recipe.sequence is not None:
            provenance["sequence"] = asdict(self.recipe.sequence)
        weights = self.average.shipped()
        checkpoint = Checkpoint(FrontendConfig(), self.recipe.encoder, HEADS, weights, provenance=provenance)
        save_checkpoint(folder, checkpoint)
        return folder


def _origin(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a later checkpoint says of one that it was made from."""
    told = ("recipe", "steps", "hours_heard", "start", "distillation")
    return {"sha256": checkpoint.sha256} | {
        key: checkpoint.provenance[key] for key in told if key in checkpoint.provenance
    }


def label_error_rates(model: CtcModel, samples: list[Sample], chunk_frames: int = 16) -> dict[str, float]:
    """Greedy label error rates in per cent, for each corpus and head."""
    errors: dict[str, ErrorCounts] = {}
    device = model.encoder.mean.device
    with torch.inference_mode():
        for sample in samples:
            features = torch.from_numpy(sample.features.log_mel(sample.entry))[None].to(device)
            lengths = torch.tensor([features.shape[1]], device=device)
            frames, _ = model.encoder(features, lengths, chunk_frames)
            corpus = sample.entry.key.split("/")[0]
            for head, wanted in (sample.labels or {}).items():
                heard = greedy_labels(model.log_probs(frames, head)[0])
                counts = align([str(label) for label in wanted], [str(label) for label in heard])
                name = f"{corpus} {head}"
                errors[name] = errors.get(name, ErrorCounts()) + counts
    return {name: 100 * counts.rate for name, counts in errors.items()}
