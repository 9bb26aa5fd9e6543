"""The sizes of a wav2vec 2.0 network, and how its frames lie in time."""

from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Literal, TypeVar

from torch import Tensor

Convolution = tuple[int, int, int]
"""Channels, kernel and stride."""

Count = TypeVar("Count", int, Tensor)

CONVOLUTIONS: tuple[Convolution, ...] = ((512, 10, 5), *[(512, 3, 2)] * 4, *[(512, 2, 2)] * 2)
"""The feature encoder of all published models: a frame every 20 ms, of 25 ms."""


@dataclass(frozen=True, slots=True)
class Wav2Vec2Config:
    """A network of the family: wav2vec 2.0, HuBERT, WavLM, data2vec-audio.

    outputs: of the CTC head. feature_norm: "group" normalises the first convolution's channels over time, "layer"
    every convolution's frames over channels. norm_first: layer norm before attention and feed-forward module
    ("stable layer norm"), not after. position_layers: how many positional convolutions are stacked (data2vec-audio);
    0 is one, with weight norm. buckets, max_distance: of the gated relative position bias (WavLM); 0 buckets are
    none. adapter_dim: width of the language adapters (MMS); 0 is none. normalise_eps: what is added to the variance
    where the samples are to have mean 0 and variance 1; None where they are taken as they are.
    """

    outputs: int
    dim: int = 768
    layers: int = 12
    heads: int = 12
    feed_forward: int = 3072
    convolutions: tuple[Convolution, ...] = CONVOLUTIONS
    convolution_bias: bool = False
    feature_norm: Literal["group", "layer"] = "group"
    norm_first: bool = False
    position_kernel: int = 128
    position_groups: int = 16
    position_layers: int = 0
    buckets: int = 0
    max_distance: int = 800
    adapter_dim: int = 0
    normalise_eps: float | None = None
    sample_rate: int = 16_000

    def __post_init__(self) -> None:
        """Raise ValueError for sizes of which no network can be made."""
        if self.feature_norm not in ("group", "layer"):
            raise ValueError(f"the feature encoder's norm is {self.feature_norm!r}, neither 'group' nor 'layer'")
        sizes = (self.outputs, self.dim, self.layers, self.heads, self.feed_forward, self.position_kernel)
        if not self.convolutions or min(*sizes, self.sample_rate, *sum(self.convolutions, ())) < 1:
            raise ValueError("a size of the network is less than 1")
        if any(kernel < stride for _, kernel, stride in self.convolutions):
            raise ValueError("a convolution skips samples")
        for parts in (self.heads, self.position_groups):
            if parts < 1 or self.dim % parts:
                raise ValueError(f"{parts} heads or groups do not divide the {self.dim} dimensions")

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return prod(stride for _, _, stride in self.convolutions)

    @property
    def receptive_field(self) -> int:
        """Samples that one frame is computed from."""
        return self.samples_of(1)

    @property
    def frame_duration_s(self) -> float:
        """Seconds from one frame to the next."""
        return self.hop / self.sample_rate

    def frames_in(self, samples: Count) -> Count:
        """How many frames so many samples give: Baevski et al., wav2vec 2.0 (2020), section 2."""
        return reduce(frames_after, self.convolutions, samples)

    def samples_of(self, frames: int) -> int:
        """How many samples so many frames are computed from."""
        return reduce(lambda count, one: (count - 1) * one[2] + one[1], reversed(self.convolutions), frames)


def frames_after(count: Count, convolution: Convolution) -> Count:
    """How many frames a convolution without padding makes of so many."""
    _, kernel, stride = convolution
    frames = (count - kernel) // stride + 1
    return frames.clamp_min(0) if isinstance(frames, Tensor) else max(0, frames)
