"""CTC training with a teacher's targets: resumable after a kill at any moment, on CPU cores or a GPU."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from decoder.metrics import ErrorCounts, align
from models.checkpoint import Checkpoint, save_checkpoint, save_tensors
from models.ctc import CtcModel, ctc_loss, greedy_labels, zero_linear
from models.frontend import FrontendConfig
from models.recipes.augment import LogMel
from models.recipes.batches import Batch, BatchMaker, BatchPlan, Sample, prefetch
from models.recipes.features import Entry, Store, dequantise
from models.recipes.optimisers import Optimisers
from models.recipes.recipe import Optimisation, Recipe
from models.recipes.samples import HEADS, dev_samples, training_samples

STATE, LOG = "state.safetensors", "log.jsonl"


class Student(nn.Module):
    """The model in training: with a projection to the teacher's outputs, whose scale it knows."""

    target_mean: Tensor
    target_deviation: Tensor

    def __init__(self, model: CtcModel, target_width: int) -> None:
        super().__init__()
        self.model = model
        self.projection = zero_linear(model.encoder.config.dim, max(1, target_width))
        self.register_buffer("target_mean", torch.zeros(max(1, target_width)))
        self.register_buffer("target_deviation", torch.ones(max(1, target_width)))

    def losses(self, batch: Batch, chunk_frames: int | None) -> dict[str, Tensor]:
        """Every loss of a batch, unweighted."""
        bfloat16 = torch.autocast(batch.features.device.type, torch.bfloat16)
        with bfloat16:
            frames, lengths = self.model.encoder(batch.features, batch.lengths, chunk_frames)
        frames = frames.float()
        losses = {}
        for head in self.model.heads:
            if not batch.transcribed.any():
                losses[head] = frames.new_zeros(())
                continue
            log_probs = self.model.log_probs(frames[batch.transcribed], head)
            spoken = lengths[batch.transcribed]
            losses[head] = ctc_loss(log_probs, spoken, batch.labels[head], batch.label_lengths[head])
        if batch.targets is not None:
            targets = (batch.targets - self.target_mean) / self.target_deviation
            wanted = targets[batch.target_mask]
            losses["teacher"] = functional.mse_loss(self.projection(frames[batch.target_mask]), wanted)
        return losses


class Trainer:
    """One run of a recipe in a folder; continues from the folder's state where there is one.

    start: a checkpoint of the same shape whose weights the run begins with instead of random ones.
    """

    def __init__(
        self, recipe: Recipe, data: Path, output: Path, device: torch.device, start: Checkpoint | None = None
    ) -> None:
        self.recipe, self.output, self.device = recipe, output, device
        output.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.samples = training_samples(recipe, data)
        self.dev = dev_samples(recipe, data)
        if not self.samples:
            raise ValueError(f"the recipe {recipe.name} finds nothing to train on under {data}")
        noises = [
            _rows(store, entry) for store in (Store(data / n) for n in recipe.noise_stores) for entry in store.entries
        ]
        self.plan = BatchPlan(self.samples, recipe.batches, recipe.seed)
        heads = [head.name for head in HEADS]
        self.maker = BatchMaker(noises, recipe.batches, recipe.augmentation, heads, recipe.seed)
        self.start = start
        self.student = self._new_student().to(device)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        self.optimisers = Optimisers(self.student, recipe.optimisation)
        self.step, self.seconds_heard = 0, 0.0
        self._resume()

    def _new_student(self) -> Student:
        model = CtcModel(self.recipe.encoder, HEADS)
        random = np.random.default_rng(self.recipe.seed)
        chosen = [self.samples[index] for index in random.permutation(len(self.samples))[:1000]]
        frames = np.concatenate([_rows(sample.features, sample.entry) for sample in chosen])
        model.encoder.mean.copy_(torch.from_numpy(frames.mean(0)))
        model.encoder.deviation.copy_(torch.from_numpy(frames.std(0)))
        if self.start is not None:
            _begin_with(model, self.start)
        targets = [sample.targets for sample in chosen if sample.targets is not None]
        if not targets:
            return Student(model, 0)
        rows = np.concatenate([store.rows(entry).astype(np.float32) for store, entry in targets])
        student = Student(model, rows.shape[1])
        student.target_mean.copy_(torch.from_numpy(rows.mean(0)))
        student.target_deviation.copy_(torch.from_numpy(rows.std(0) + 1e-3))
        return student

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.student.model.state_dict().items()}

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        config = self.recipe.optimisation
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            task = progress.add_task(self.recipe.name, total=config.steps, completed=self.step)
            steps = range(self.step, config.steps)
            for batch in prefetch(lambda step: self.maker.make(self.plan.batch(step), step), steps):
                self._train_step(_to(batch, self.device), config)
                progress.update(task, completed=self.step)
                if self.step % config.save_every == 0:
                    self._save()
                if self.step % config.evaluate_every == 0:
                    self._evaluate()
                    self.export()
        self._save()
        self._evaluate()
        self.export()

    def _train_step(self, batch: Batch, config: Optimisation) -> None:
        started = time.monotonic()
        chunk = config.chunks[np.random.default_rng([self.recipe.seed, 2, self.step]).integers(len(config.chunks))]
        losses = self.student.losses(batch, chunk or None)
        heads = 1.0 if self.step >= config.teacher_steps else 0.0
        weights = {name: heads * weight for name, weight in config.head_weights.items()}
        weights["teacher"] = config.teacher_weight
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), config.clip_norm)
        if torch.isfinite(norm):
            self.optimisers.step(self.step)
        self.optimisers.zero_grad()
        self._update_average(config.ema_decay)
        self.step += 1
        self.seconds_heard += batch.seconds
        if self.step % 20 == 0:
            figures = {name: round(loss.item(), 4) for name, loss in losses.items()}
            elapsed = time.monotonic() - started
            self._log({**figures, "norm": round(norm.item(), 3), "seconds": round(elapsed, 3), "chunk": chunk})

    def _update_average(self, decay: float) -> None:
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for name, value in self._weights().items():
            self.average[name].lerp_(value, 1 - decay)

    def _log(self, figures: dict[str, float]) -> None:
        line = {"step": self.step, "hours": round(self.seconds_heard / 3600, 3), **figures}
        with (self.output / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _evaluate(self) -> None:
        """Label error rates of the averaged weights on dev: per cent, greedy, by corpus, 640 ms chunks."""
        if not self.dev:
            return
        model = CtcModel(self.recipe.encoder, HEADS).to(self.device)
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
            earlier = self.start.provenance
            provenance["start"] = {"sha256": self.start.sha256} | {
                key: earlier[key] for key in ("recipe", "steps", "hours_heard", "start") if key in earlier
            }
        weights = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in self.average.items()}
        weights = {name: tensor.cpu() for name, tensor in weights.items()}
        checkpoint = Checkpoint(FrontendConfig(), self.recipe.encoder, HEADS, weights, {}, provenance)
        save_checkpoint(folder, checkpoint)
        return folder

    def _save(self) -> None:
        tensors = {f"student/{name}": tensor for name, tensor in self.student.state_dict().items()}
        tensors |= {f"average/{name}": tensor for name, tensor in self.average.items()}
        tensors |= {f"optimisers/{name}": tensor for name, tensor in self.optimisers.tensors().items()}
        tensors["progress"] = torch.tensor([self.step, self.seconds_heard], dtype=torch.float64)
        save_tensors(self.output / STATE, {name: tensor.detach().cpu() for name, tensor in tensors.items()})

    def _resume(self) -> None:
        path = self.output / STATE
        if not path.exists():
            return
        try:
            tensors = load_file(path, device=str(self.device))
            self.student.load_state_dict(_below(tensors, "student/"))
            self.average = _below(tensors, "average/")
            self.optimisers.load_tensors(_below(tensors, "optimisers/"))
            self.step, self.seconds_heard = int(tensors["progress"][0]), float(tensors["progress"][1])
        except (SafetensorError, RuntimeError, KeyError) as error:
            reason = str(error).splitlines()[0]
            message = f"{path} is damaged or of another recipe ({reason}): choose another --output, or delete it"
            raise ValueError(message) from error


def _begin_with(model: CtcModel, start: Checkpoint) -> None:
    """Copy a checkpoint's weights; ValueError where its encoder or labels differ from the recipe's."""
    if start.encoder != model.encoder.config or start.heads != HEADS:
        raise ValueError("the checkpoint to start with has another encoder or other labels than the recipe")
    model.load_state_dict({name: tensor.float() for name, tensor in start.weights.items()})


def label_error_rates(model: CtcModel, samples: list[Sample], chunk_frames: int = 16) -> dict[str, float]:
    """Greedy label error rates in per cent, for each corpus and head."""
    errors: dict[str, ErrorCounts] = {}
    device = model.encoder.mean.device
    with torch.inference_mode():
        for sample in samples:
            features = torch.from_numpy(_rows(sample.features, sample.entry))[None].to(device)
            lengths = torch.tensor([features.shape[1]], device=device)
            frames, _ = model.encoder(features, lengths, chunk_frames)
            corpus = sample.entry.key.split("/")[0]
            for head, wanted in (sample.labels or {}).items():
                heard = greedy_labels(model.log_probs(frames, head)[0])
                counts = align([str(label) for label in wanted], [str(label) for label in heard])
                name = f"{corpus} {head}"
                errors[name] = errors.get(name, ErrorCounts()) + counts
    return {name: 100 * counts.rate for name, counts in errors.items()}


def _rows(store: Store, entry: Entry) -> LogMel:
    return dequantise(store.rows(entry))  # type: ignore[arg-type]


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _to(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    return Batch(
        features=batch.features.to(device, non_blocking=True),
        lengths=batch.lengths.to(device),
        targets=None if batch.targets is None else batch.targets.to(device, non_blocking=True),
        target_mask=batch.target_mask.to(device),
        labels={head: labels.to(device) for head, labels in batch.labels.items()},
        label_lengths={head: lengths.to(device) for head, lengths in batch.label_lengths.items()},
        transcribed=batch.transcribed.to(device),
    )
