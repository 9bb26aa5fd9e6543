"""The feature encoder of a stream: its frames computed once, its normalisation over what was heard so far.

Reference implementations normalise over the whole utterance: the samples (`normalise_eps`), or the channels of the
first convolution (the group norm of the Base models). A stream has heard a part of its utterance only, so it uses the
mean and variance of that part. New sound never counts less than its length's share of MEMORY_S: a stream that has run
for hours hears a quieter speaker as one that has just begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_config import Wav2Vec2Config, frames_after

MEMORY_S = 30.0
"""About the longest utterance that the published models were trained on."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Means and variances of what streams have heard: their samples and the first convolution's channels.

    heard (B, 1, 1): seconds, at most MEMORY_S. mean, variance (B, 1 + C, 1): of the samples, then of the C channels
    that are normalised over time, none where the convolutions have layer norm.
    """

    heard: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def start(cls, config: Wav2Vec2Config, device: torch.device) -> "Statistics":
        """Those of a stream that has heard nothing."""
        rows = 1 + (config.convolutions[0][0] if config.feature_norm == "group" else 0)
        return cls(*(torch.zeros(1, size, 1, device=device) for size in (1, rows, rows)))

    @classmethod
    def stack(cls, streams: Sequence["Statistics"]) -> "Statistics":
        """Those of one batch."""
        return cls(*(torch.cat([getattr(one, field.name) for one in streams]) for field in fields(cls)))

    def split(self) -> list["Statistics"]:
        """Those of each stream of the batch."""
        parts = (torch.split(one, 1) for one in (self.heard, self.mean, self.variance))
        return [Statistics(*own) for own in zip(*parts, strict=True)]

    def to(self, device: torch.device) -> "Statistics":
        """Those on a device."""
        return Statistics(*(getattr(self, field.name).to(device) for field in fields(self)))

    def after(self, seconds: float, mean: Tensor, variance: Tensor) -> "Statistics":
        """These and those of new sound together: Chan, Golub and LeVeque (1979), eq. 2.1."""
        share = seconds / (self.heard + seconds)
        moved = mean - self.mean
        return Statistics(
            (self.heard + seconds).clamp_max(MEMORY_S),
            self.mean + share * moved,
            self.variance + share * (variance - self.variance + (1 - share) * moved.square()),
        )


def encode_piece(network: Wav2Vec2, samples: Tensor, known: int, heard: Statistics) -> tuple[Tensor, Statistics]:
    """The frames (B, T, C) of a piece of each stream, and the statistics after it.

    samples (B, N): all that the piece's frames are computed from; known: how many of them were in the last piece.
    """
    config = network.config
    first, *others = network.feature_extractor.conv_layers
    sound = samples[:, None]
    new, seconds = [sound[..., known:]], (samples.shape[1] - known) / config.sample_rate
    if config.feature_norm == "group":
        maps = first.conv(sound).float()  # in half precision moments are too rough
        heard = heard.after(seconds, *_moments(*new, maps[..., frames_after(known, config.convolutions[0]) :]))
        frames = _group_norm(first.layer_norm, maps, heard, config.normalise_eps)
    else:
        heard = heard.after(seconds, *_moments(*new))
        frames = first.layer_norm(first.conv(_normalised(sound, heard, config.normalise_eps)))
    frames = functional.gelu(frames)
    for layer in others:
        frames, _ = layer(frames, None)
    return frames.transpose(1, 2), heard


def _moments(*values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over time of values (B, C_i, T_i), (B, sum of C_i, 1) each."""
    moments = [torch.var_mean(one, -1, correction=0, keepdim=True) for one in values]
    return torch.cat([mean for _, mean in moments], 1), torch.cat([variance for variance, _ in moments], 1)


def _normalised(sound: Tensor, heard: Statistics, eps: float | None) -> Tensor:
    return sound if eps is None else (sound - heard.mean) / (heard.variance + eps).sqrt()


def _group_norm(norm: nn.GroupNorm, maps: Tensor, heard: Statistics, eps: float | None) -> Tensor:
    """Each channel of maps (B, C, T) with the mean and variance that it had so far.

    It undoes what normalising the samples would have done, but for the scale of its epsilon.
    """
    scale = 1.0 if eps is None else heard.variance[:, :1] + eps
    level = (maps - heard.mean[:, 1:]) / (heard.variance[:, 1:] + norm.eps * scale).sqrt()
    return norm.weight[:, None] * level + norm.bias[:, None]
