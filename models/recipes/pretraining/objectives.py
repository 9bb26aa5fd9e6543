"""Objectives that teach an encoder from speech alone: wav2vec 2.0, data2vec, wav2vec and vq-wav2vec.

They work between the encoder's subsampling, which stands for the papers' feature encoder, and its blocks,
which stand for their context network.
"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.conformer import ConformerEncoder
from models.quantiser import ProductQuantiser, Quantised, QuantiserConfig
from models.recipes.finetuning.waveform_encoder import WaveformEncoder
from models.recipes.loop.precision import autocast
from models.recipes.pretraining.masks import Spans, draw_mask, normalise_over_time


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskConfig:
    """mask_probability: of an encoder frame to begin a masked span of mask_frames; spans may overlap.

    wav2vec 2.0's paper has 0.065 and 10 frames of 20 ms. The same 200 ms are 5 frames here, and twice as many must
    begin one for the same half of the speech to be masked.
    """

    mask_probability: float = 0.13
    mask_frames: int = 5

    @property
    def masks(self) -> Spans:
        """What is masked."""
        return Spans(self.mask_probability, self.mask_frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wav2vec2Config(MaskConfig):
    """dim: of predictions and targets. distractors: for each masked frame. temperature: of the softmax over them."""

    dim: int = 128
    distractors: int = 100
    temperature: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Data2vecConfig(MaskConfig):
    """top_layers: blocks whose outputs are averaged to a target.

    decay: of the teacher's moving average at the start and, from the share ramp of the run on, to the end.
    """

    top_layers: int = 4
    decay: tuple[float, float] = (0.99, 0.999)
    ramp: float = 0.3

    def __post_init__(self) -> None:
        if not self.ramp > 0:
            raise ValueError(f"ramp must be a share of the run above 0, not {self.ramp}")


@dataclass(frozen=True, slots=True)
class Wav2vecConfig:
    """steps: how many frames ahead are predicted, each with as many distractors."""

    steps: int = 4
    distractors: int = 10


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in its run a step is.

    chunk_frames: encoder frames a chunk, None for full context. progress: done share of the run.
    generator: of all that is drawn in the step, so that a run that goes on draws the same.
    """

    chunk_frames: int | None
    progress: float
    generator: torch.Generator


Encoder = ConformerEncoder | WaveformEncoder


class Objective(nn.Module):
    """An encoder with all that its pre-training needs beside it.

    forward: features (B, T, F), lengths (B,) and a Moment -> the loss, and figures that tell how it goes.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def follow(self, progress: float) -> None:
        """Take note of an update of the weights; most objectives need not."""


class Wav2vec2(Objective):
    """Tell the quantised frame behind a mask from those behind other masks of the utterance.

    Baevski et al., wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations (2020).
    """

    def __init__(self, encoder: Encoder, config: Wav2vec2Config, quantiser: QuantiserConfig) -> None:
        super().__init__(encoder)
        self.config = config
        self.embedding = nn.Parameter(torch.rand(encoder.config.dim))
        self.quantiser = ProductQuantiser(encoder.config.dim, config.dim, quantiser)
        self.prediction = nn.Linear(encoder.config.dim, config.dim)

    def forward(self, features: Tensor, lengths: Tensor, moment: Moment) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of contrast, on what the encoder makes of features."""
        return self.contrast(*_subsampled(self.encoder, features, lengths), moment)

    def contrast(self, frames: Tensor, lengths: Tensor, moment: Moment) -> tuple[Tensor, dict[str, Tensor]]:
        """Contrastive and diversity loss (equations 2 to 4); accuracy and code perplexity beside them."""
        masked = draw_mask(lengths, frames.shape[1], self.config.masks, moment.generator)
        heard = torch.where(masked[..., None], self.embedding, frames)
        outputs = _block_outputs(self.encoder, heard, lengths, moment.chunk_frames)
        predicted = self.prediction(outputs[-1].float()[masked])
        # Frames of random filters have a large part in common, which would choose the same few codes for all of them.
        distinct = normalise_over_time(frames, lengths)
        targets = self.quantiser(distinct[masked], self.quantiser.temperature(moment.progress), moment.generator)
        others = draw_distractors(masked, self.config.distractors, moment.generator)
        scores = self._scores(predicted, targets, others)
        contrastive = functional.cross_entropy(scores, scores.new_zeros(len(scores), dtype=torch.long))
        diversity = targets.diversity_loss()
        loss = contrastive + self.quantiser.config.diversity_weight * diversity
        return loss, {
            "contrastive": contrastive,
            "diversity": diversity,
            "accuracy": (scores.argmax(1) == 0).float().mean(),
            "code perplexity": targets.code_perplexity(),
        }

    def _scores(self, predicted: Tensor, targets: Quantised, others: Tensor) -> Tensor:
        """Cosine similarities over the temperature (N, 1 + K), the true target first."""
        predicted = functional.normalize(predicted, dim=-1)
        vectors = functional.normalize(targets.vectors, dim=-1)
        true = (predicted * vectors).sum(-1, keepdim=True)
        false = torch.einsum("nd,nkd->nk", predicted, vectors[others])
        same = (targets.codes[others] == targets.codes[:, None]).all(-1)
        return torch.cat([true, false.masked_fill(same, float("-inf"))], 1) / self.config.temperature


class Data2vec(Objective):
    """Regress, behind masks, what a moving average of the encoder makes of the whole utterance.

    Baevski et al., data2vec: A General Framework for Self-supervised Learning in Speech, Vision and Language
    (2022), with the squared error that it recommends for speech. The teacher is the average of the subsampling
    too, and has full context, so that chunks learn to tell what is still to come.
    """

    def __init__(self, encoder: Encoder, config: Data2vecConfig) -> None:
        super().__init__(encoder)
        self.config = config
        self.embedding = nn.Parameter(torch.rand(encoder.config.dim))
        self.prediction = nn.Linear(encoder.config.dim, encoder.config.dim)
        self.teacher = copy.deepcopy(encoder).requires_grad_(False)

    def forward(self, features: Tensor, lengths: Tensor, moment: Moment) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error; how far the teacher's outputs and the predictions vary from frame to frame beside it.

        Both deviations are near 0 in a collapse: the outputs' before they are normalised, the predictions' after.
        """
        taught = self._teacher_outputs(features, lengths)
        frames, lengths = _subsampled(self.encoder, features, lengths)
        masked = draw_mask(lengths, frames.shape[1], self.config.masks, moment.generator)
        heard = torch.where(masked[..., None], self.embedding, frames)
        outputs = _block_outputs(self.encoder, heard, lengths, moment.chunk_frames)
        predicted = self.prediction(outputs[-1].float()[masked])
        targets = torch.stack([normalise_over_time(output, lengths) for output in taught]).mean(0)
        loss = functional.mse_loss(predicted, targets[masked])
        return loss, {
            "regression": loss,
            "target deviation": torch.stack([output[masked].std(0).mean() for output in taught]).mean(),
            "prediction deviation": predicted.std(0).mean(),
        }

    @torch.no_grad()
    def _teacher_outputs(self, features: Tensor, lengths: Tensor) -> list[Tensor]:
        """The teacher's top outputs (B, T, D)."""
        frames, lengths = _subsampled(self.teacher, features, lengths)
        outputs = _block_outputs(self.teacher, frames, lengths, chunk_frames=None)
        return [output.float() for output in outputs[-self.config.top_layers :]]

    def follow(self, progress: float) -> None:
        """Move the teacher towards the encoder."""
        first, last = self.config.decay
        decay = first + (last - first) * min(1.0, progress / self.config.ramp)
        with torch.no_grad():
            for ours, theirs in zip(self.teacher.parameters(), self.encoder.parameters(), strict=True):
                ours.lerp_(theirs, 1 - decay)


class Wav2vec(Objective):
    """Tell the frames to come, each step ahead with a map of its own, from other frames of the utterance.

    Schneider et al., wav2vec: Unsupervised Pre-training for Speech Recognition (2019). With a quantiser it is
    vq-wav2vec (Baevski et al., 2020): the blocks hear, and predict, quantised frames. The context is causal.
    """

    def __init__(self, encoder: Encoder, config: Wav2vecConfig, quantiser: QuantiserConfig | None) -> None:
        super().__init__(encoder)
        dim = encoder.config.dim
        self.config = config
        self.predictions = nn.ModuleList(nn.Linear(dim, dim) for _ in range(config.steps))
        self.quantiser = ProductQuantiser(dim, dim, quantiser) if quantiser else None

    def forward(self, features: Tensor, lengths: Tensor, moment: Moment) -> tuple[Tensor, dict[str, Tensor]]:
        """Binary cross-entropy of true and false frames (equation 2), with the diversity loss of a quantiser."""
        frames, lengths = _subsampled(self.encoder, features, lengths)
        valid = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
        figures, diversity = {}, frames.new_zeros(())
        if self.quantiser is not None:
            quantised = self.quantiser(frames[valid], self.quantiser.temperature(moment.progress), moment.generator)
            frames = torch.zeros_like(frames).masked_scatter(valid[..., None], quantised.vectors)
            diversity = self.quantiser.config.diversity_weight * quantised.diversity_loss()
            figures["code perplexity"] = quantised.code_perplexity()
        context = _block_outputs(self.encoder, frames, lengths, chunk_frames=1)[-1].float()
        steps = range(1, self.config.steps + 1)
        scores = torch.cat([self._scores(context, frames, valid, ahead, moment.generator) for ahead in steps])
        wanted = torch.zeros_like(scores)
        wanted[:, 0] = 1
        contrastive = functional.binary_cross_entropy_with_logits(scores, wanted, reduction="none").sum(1).mean()
        figures |= {"contrastive": contrastive, "accuracy": (scores.argmax(1) == 0).float().mean()}
        return contrastive + diversity, figures

    def _scores(self, context: Tensor, frames: Tensor, valid: Tensor, ahead: int, generator: torch.Generator) -> Tensor:
        """Products of the predictions with frames (N, 1 + K), the true one first."""
        there = valid[:, ahead:]
        predicted = self.predictions[ahead - 1](context[:, :-ahead][there])
        targets = frames[:, ahead:][there]
        others = draw_distractors(there, self.config.distractors, generator)
        true = (predicted * targets).sum(-1, keepdim=True)
        false = torch.einsum("nd,nkd->nk", predicted, targets[others])
        # The prior of a true frame, and products near 0 at the start: else all frames are first made alike.
        scores: Tensor = torch.cat([true, false], 1) * frames.shape[-1] ** -0.5 - math.log(self.config.distractors)
        return scores


def draw_distractors(chosen: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """For each chosen frame (B, T), others of its utterance: (N, count), numbered in the order of frames[chosen].

    The only chosen frame of an utterance gets one of the next utterance.
    """
    counts = chosen.sum(1)
    starts = (counts.cumsum(0) - counts).repeat_interleave(counts)[:, None]
    own = torch.arange(len(starts), device=chosen.device)[:, None] - starts
    others = (counts - 1).clamp_min(1).repeat_interleave(counts)[:, None]
    drawn = torch.rand(len(starts), count, generator=generator, device=chosen.device)
    drawn = (drawn * others).long()
    return (starts + drawn + (drawn >= own)) % max(1, len(starts))


def _subsampled(encoder: Encoder, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    with autocast(features.device):
        frames, lengths = encoder.subsample(features, lengths)
    return frames.float(), lengths


def _block_outputs(encoder: Encoder, frames: Tensor, lengths: Tensor, chunk_frames: int | None) -> list[Tensor]:
    with autocast(frames.device):
        return encoder.block_outputs(frames, lengths, chunk_frames)
