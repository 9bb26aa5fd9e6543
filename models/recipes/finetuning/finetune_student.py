"""A wav2vec 2.0 network in fine-tuning: masked features, CTC, and what a teacher says of each frame.

Baevski et al., wav2vec 2.0 (2020), section 3.3: the feature encoder is frozen, and spans of time and of channels
are masked behind it, as SpecAugment does with spectra (Park et al., 2019).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.ctc import ctc_loss, zero_linear
from models.recipes.finetuning.finetune_recipe import FineTuning
from models.recipes.finetuning.frame_teacher import Taught
from models.recipes.finetuning.waveform_encoder import WaveformEncoder
from models.recipes.finetuning.waveforms import WaveformBatch
from models.recipes.loop.precision import autocast
from models.recipes.losses import distillation_loss
from models.recipes.pretraining.masks import draw_mask, normalise_over_time
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_checkpoint import HEAD


@dataclass(frozen=True, slots=True)
class Draw:
    """What is particular to a step: whether the head alone learns, and the generator of its masks."""

    head_alone: bool
    generator: torch.Generator


class WaveformStudent(nn.Module):
    """The network, the vector that takes the place of masked frames, and a projection to a teacher's frames."""

    def __init__(self, network: Wav2Vec2, recipe: FineTuning, teacher_dim: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.encoder = WaveformEncoder(network)
        self.encoder.network.feature_extractor.requires_grad_(not recipe.optimisation.freeze_features)
        self.mask = nn.Parameter(torch.zeros(network.config.dim))
        self.projection = zero_linear(network.config.dim, max(1, teacher_dim))

    @property
    def network(self) -> Wav2Vec2:
        """The network that is fine-tuned."""
        return self.encoder.network

    def forward(self, batch: WaveformBatch, taught: Taught | None, draw: Draw) -> dict[str, Tensor]:
        """Every loss of a batch, unweighted: CTC's, and those of a teacher."""
        with autocast(batch.samples.device), torch.set_grad_enabled(not draw.head_alone):
            frames, lengths = self.encoder.subsample(batch.samples, batch.lengths)
            with _passing_by(self.network, self.recipe.optimisation.layer_drop, draw.generator):
                frames = self.network.transform(self._masked(frames, lengths, draw.generator), lengths)
        frames = frames.float()
        log_probs = self.network.log_probs(frames)
        losses = {HEAD: _ctc_loss(log_probs, lengths, batch)}
        if taught is not None and self.recipe.distillation is not None:
            temperature = self.recipe.distillation.temperature
            losses[f"distilled {HEAD}"] = distillation_loss(log_probs, taught.log_probs, lengths, temperature)
            valid = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
            wanted = normalise_over_time(taught.frames, lengths)
            losses["teacher"] = functional.mse_loss(self.projection(frames[valid]), wanted[valid])
        return losses

    def _masked(self, frames: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
        """Frames (B, T, D) with the mask in spans of time, and zero in spans of dimensions."""
        count, length, dim = frames.shape
        if self.recipe.time_masks is not None:
            spans = draw_mask(lengths, length, self.recipe.time_masks, generator)
            frames = torch.where(spans[..., None], self.mask.to(frames.dtype), frames)
        if self.recipe.channel_masks is not None:
            whole = torch.full((count,), dim, device=frames.device)
            frames = frames.masked_fill(draw_mask(whole, dim, self.recipe.channel_masks, generator)[:, None], 0.0)
        return frames


def _ctc_loss(log_probs: Tensor, lengths: Tensor, batch: WaveformBatch) -> Tensor:
    """The loss on the transcribed recordings, 0 where there are none."""
    if not batch.transcribed.any():
        return log_probs.sum() * 0
    heard = batch.transcribed
    return ctc_loss(log_probs[heard], lengths[heard], batch.labels, batch.label_lengths)


@contextmanager
def _passing_by(network: Wav2Vec2, chance: float, generator: torch.Generator) -> Iterator[None]:
    """Each layer hands on what it is given, with a chance, while this lasts."""

    def hand_on(_layer: nn.Module, inputs: tuple[Tensor, ...], output: tuple[Tensor, Any]) -> tuple[Tensor, Any]:
        return inputs[0], output[1]  # a position bias is for the other layers, too

    layers = network.encoder.transformer.layers
    dropped = torch.rand(len(layers), generator=generator, device=generator.device) < chance
    hooks = [layer.register_forward_hook(hand_on) for layer, drop in zip(layers, dropped.tolist(), strict=True) if drop]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
