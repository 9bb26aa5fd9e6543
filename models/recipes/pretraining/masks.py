"""What training hides, and what it compares by: spans of masks, and frames normalised over an utterance."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Spans:
    """What is masked: from each place on with this probability, so many places; spans may overlap."""

    probability: float
    size: int


def draw_mask(lengths: Tensor, frames: int, spans: Spans, generator: torch.Generator) -> Tensor:
    """Which frames of utterances of such lengths (B,) are masked: bool (B, frames); in each a whole span at least."""
    size = spans.size
    position = torch.arange(frames, device=lengths.device)
    last = (lengths - size).clamp_min(0)[:, None]  # of the frames at which a whole span may begin
    chance = torch.rand(len(lengths), frames, generator=generator, device=lengths.device)
    chance = chance.masked_fill(position > last, torch.inf)
    begins = (chance < spans.probability) | (position == chance.argmin(1, keepdim=True))
    hidden = functional.max_pool1d(functional.pad(begins.float(), (size - 1, 0)), size, 1) > 0
    return hidden & (position < lengths[:, None])


def normalise_over_time(frames: Tensor, lengths: Tensor, eps: float = 1e-5) -> Tensor:
    """Zero mean and unit variance of each dimension over an utterance's valid frames: instance norm of (B, T, D)."""
    valid = (torch.arange(frames.shape[1], device=frames.device) < lengths[:, None])[..., None]
    count = lengths[:, None, None]
    mean = (frames * valid).sum(1, keepdim=True) / count
    centred = (frames - mean) * valid
    variance = centred.square().sum(1, keepdim=True) / count
    normalised: Tensor = centred / (variance + eps).sqrt()
    return normalised
