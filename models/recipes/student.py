"""The model in training and the losses that every recipe has; what other losses need of its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.checkpoint import Checkpoint
from models.conformer import ConformerEncoder
from models.ctc import CtcModel, ctc_loss, zero_linear
from models.frontend import FrontendConfig
from models.recipes.data.batches import Batch, Sample
from models.recipes.data.features import STEP, Entry, Store
from models.recipes.data.samples import HEADS
from models.recipes.depth import at_depth
from models.recipes.loop.precision import autocast
from models.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the student says of a batch: lengths (B,) in encoder frames; log-probabilities (B, T, V) of each head."""

    lengths: Tensor
    log_probs: dict[str, Tensor]


Targets = tuple[Store, Entry]


class Objective(Protocol):
    """Losses that some recipes add, by name."""

    def __call__(self, encoded: Encoded, batch: Batch) -> dict[str, Tensor]:
        """The losses of a batch, unweighted."""
        ...


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

    def forward(
        self, batch: Batch, chunk_frames: int | None, objectives: Sequence[Objective] = ()
    ) -> dict[str, Tensor]:
        """Every loss of a batch, unweighted: of each head, of the teacher's targets, of other objectives."""
        with autocast(batch.features.device):
            frames, lengths = self.model.encoder(batch.features, batch.lengths, chunk_frames)
        frames = frames.float()
        encoded = Encoded(lengths, {head: self.model.log_probs(frames, head) for head in self.model.heads})
        losses = _ctc_losses(encoded, batch)
        if batch.targets is not None:
            targets = (batch.targets - self.target_mean) / self.target_deviation
            wanted = targets[batch.target_mask]
            losses["teacher"] = functional.mse_loss(self.projection(frames[batch.target_mask]), wanted)
        for objective in objectives:
            losses |= objective(encoded, batch)
        return losses


def _ctc_losses(encoded: Encoded, batch: Batch) -> dict[str, Tensor]:
    """The loss of each head on the transcribed utterances; 0 where there are none."""
    if not batch.transcribed.any():
        return {head: log_probs.new_zeros(()) for head, log_probs in encoded.log_probs.items()}
    lengths = encoded.lengths[batch.transcribed]
    return {
        head: ctc_loss(log_probs[batch.transcribed], lengths, batch.labels[head], batch.label_lengths[head])
        for head, log_probs in encoded.log_probs.items()
    }


def new_student(recipe: Recipe, samples: list[Sample], start: Checkpoint | None) -> Student:
    """A student at the start of its training, which knows the scale of its features and targets."""
    model = CtcModel(recipe.encoder, HEADS)
    chosen = some_of(samples, recipe.seed)
    normalise_by(model.encoder, chosen)
    if start is not None:
        _begin_with(model, start)
    taught = [(sample, sample.targets) for sample in chosen if sample.targets is not None]
    if not taught:
        return Student(model, 0)
    wanted = np.concatenate([_rows(targets) for _, targets in taught])
    student = Student(model, wanted.shape[1])
    student.target_mean.copy_(torch.from_numpy(wanted.mean(0)))
    student.target_deviation.copy_(torch.from_numpy(wanted.std(0) + 1e-3))
    if start is not None:
        _fit_projection(student, taught[:_FIT_SAMPLES])
    return student


def some_of(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """At most 1000 random samples, by which a run learns the scale of what it hears."""
    return [samples[index] for index in np.random.default_rng(seed).permutation(len(samples))[:1000]]


def normalise_by(encoder: ConformerEncoder, samples: Sequence[Sample]) -> None:
    """Let an encoder normalise features by the mean and deviation that they have in some samples.

    A band that is empty in all of them, as those above 4 kHz are in telephone speech, has the deviation of its storage:
    none would make what noise is later mixed into it infinite.
    """
    frames = np.concatenate([sample.features.log_mel(sample.entry) for sample in samples])
    encoder.mean.copy_(torch.from_numpy(frames.mean(0)))
    encoder.deviation.copy_(torch.from_numpy(frames.std(0)).clamp_min(STEP))


def _begin_with(model: CtcModel, start: Checkpoint) -> None:
    """Copy a checkpoint's weights, at the model's depth (models.recipes.depth).

    ValueError where the encoders differ in more than depth, or the labels or features differ.
    """
    config = model.encoder.config
    same = start.heads == HEADS and start.frontend == FrontendConfig()
    if not same or replace(start.encoder, layers=config.layers) != config:
        raise ValueError(
            "the checkpoint to start with has other labels or features than the recipe or another encoder "
            "(only the number of its layers may differ): choose another --start"
        )
    weights = {name: tensor.float() for name, tensor in start.weights.items()}
    model.load_state_dict(at_depth(weights, config.layers, model.state_dict()))


def _fit_projection(student: Student, taught: Sequence[tuple[Sample, Targets]]) -> None:
    """Give the projection its least-squares weights for what the encoder makes of clean samples.

    From zero it would need hundreds of steps, whose large errors would cost the encoder some of what it knows.
    """
    heard, wanted = [], []
    with torch.inference_mode():
        for sample, its_targets in taught:
            features = torch.from_numpy(sample.features.log_mel(sample.entry))[None]
            frames, _ = student.model.encoder(features, torch.tensor([features.shape[1]]), _FIT_CHUNK)
            targets = torch.from_numpy(_rows(its_targets))
            both = min(frames.shape[1], len(targets))
            heard.append(functional.pad(frames[0, :both], (0, 1), value=1.0))
            wanted.append((targets[:both] - student.target_mean) / student.target_deviation)
        inputs, outputs = torch.cat(heard).double(), torch.cat(wanted).double()
        damping = 1e-4 * len(inputs) * torch.eye(inputs.shape[1], dtype=torch.double)
        solution = torch.linalg.solve(inputs.T @ inputs + damping, inputs.T @ outputs).float()
    with torch.no_grad():
        student.projection.weight.copy_(solution[:-1].T)
        student.projection.bias.copy_(solution[-1])


def _rows(targets: Targets) -> npt.NDArray[np.float32]:
    """A sample's targets (T, W), as the teacher gave them."""
    store, entry = targets
    return store.rows(entry).astype(np.float32)


_FIT_CHUNK, _FIT_SAMPLES = 16, 200
