"""The training loop: resumable after a kill at any moment, on CPU cores, a GPU or several ranks."""

import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from decoder.metrics import ErrorCounts, align
from models.checkpoint import Checkpoint, save_checkpoint
from models.ctc import CtcModel, greedy_labels
from models.frontend import FrontendConfig
from models.recipes.batches import Batch, BatchMaker, BatchPlan, Sample
from models.recipes.objectives import Objectives, loss_weights
from models.recipes.optimisers import Optimisers
from models.recipes.rank import Rank
from models.recipes.recipe import Recipe
from models.recipes.run_batches import RunBatches
from models.recipes.run_log import RunLog
from models.recipes.run_state import STATE, RunState, load_state, refusal, save_state
from models.recipes.samples import DELIMITERS, HEADS, dev_samples, noises, training_samples
from models.recipes.student import new_student


class Trainer:
    """One run of a recipe in a folder; continues from the folder's state where there is one.

    rank: of several, each makes batches of its own, and the first one writes. They read one state, so the folder
    must be one that all of them see.
    start: a checkpoint whose weights the run begins with instead of random ones; of the recipe's shape, or k times
    as deep.
    """

    def __init__(self, recipe: Recipe, data: Path, output: Path, rank: Rank, start: Checkpoint | None = None) -> None:
        self.recipe, self.output, self.rank = recipe, output, rank
        output.mkdir(parents=True, exist_ok=True)
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
        self.average = {name: value.clone() for name, value in self._weights().items()}
        self.optimisers = Optimisers(self.student, recipe.optimisation)
        self.step, self.seconds_heard = 0, 0.0
        self._resume()
        self.losses = rank.share(self.student)
        self.log = RunLog(output)

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.student.model.state_dict().items()}

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        config = self.recipe.optimisation
        batches = self.batches.of_steps(self.recipe.name, self.step, config.steps)
        with closing(self.log), closing(batches):
            for batch in batches:
                self._train_step(batch)
                if not self.rank.leads or self.step == config.steps:
                    continue
                if self.step % config.save_every == 0:
                    self._save()
                if self.step % config.evaluate_every == 0:
                    self._evaluate()
                    self.export()
            if self.rank.leads:
                self._save()
                self._evaluate()
                self.export()

    def _train_step(self, batch: Batch) -> None:
        started = time.monotonic()
        config = self.recipe.optimisation
        chunk = config.chunks[np.random.default_rng([self.recipe.seed, 2, self.step]).integers(len(config.chunks))]
        losses = self.losses(batch, chunk or None, self.objectives.at(self.step))
        weights = loss_weights(self.recipe, self.step)
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), config.clip_norm)
        if torch.isfinite(norm):
            self.optimisers.step(self.step)
        self.optimisers.zero_grad()
        self._update_average(config.ema_decay)
        self.step += 1
        self.seconds_heard += self.rank.total(batch.seconds)
        if self.rank.leads and self.step % 20 == 0:
            figures = {name: round(loss.item(), 4) for name, loss in losses.items()}
            elapsed = time.monotonic() - started
            self._log({**figures, "norm": round(norm.item(), 3), "seconds": round(elapsed, 3), "chunk": chunk})

    def _update_average(self, decay: float) -> None:
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for name, value in self._weights().items():
            self.average[name].lerp_(value, 1 - decay)

    def _log(self, figures: dict[str, float]) -> None:
        self.log.write(self.step, self.seconds_heard / 3600, figures)

    def _evaluate(self) -> None:
        """Label error rates of the averaged weights on dev: per cent, greedy, by corpus, 640 ms chunks."""
        if not self.dev:
            return
        model = CtcModel(self.recipe.encoder, HEADS).to(self.rank.device)
        model.load_state_dict(self.average)
        model.eval()
        self._log({f"dev {name}": round(rate, 2) for name, rate in label_error_rates(model, self.dev).items()})

    def export(self) -> Path:
        """Write the averaged weights as a checkpoint; its folder."""
        folder = self.output / "checkpoint"
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.step,
            "hours_heard": round(self.seconds_heard / 3600, 1),
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
        weights = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in self.average.items()}
        weights = {name: tensor.cpu() for name, tensor in weights.items()}
        checkpoint = Checkpoint(FrontendConfig(), self.recipe.encoder, HEADS, weights, {}, provenance)
        save_checkpoint(folder, checkpoint)
        return folder

    def _save(self) -> None:
        state = RunState(
            student=self.student.state_dict(),
            average=self.average,
            optimisers=self.optimisers.tensors(),
            step=self.step,
            seconds_heard=self.seconds_heard,
        )
        save_state(self.output / STATE, state, self.recipe)

    def _resume(self) -> None:
        path = self.output / STATE
        state = load_state(path, self.recipe, self.rank.device)
        if state is None:
            return
        try:
            self.student.load_state_dict(state.student)
            self.optimisers.load_tensors(state.optimisers)
        except (RuntimeError, KeyError) as error:
            raise refusal(path, error) from error
        self.average, self.step, self.seconds_heard = state.average, state.step, state.seconds_heard


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
