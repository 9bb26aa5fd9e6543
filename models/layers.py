"""Building blocks of streaming encoders: rotary positions, attention with a cache, causal convolution.

Every block computes the same in two ways: over a whole utterance with a chunk mask, and chunk by chunk with
explicit caches. No block keeps stream state.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def rotation(positions: Tensor, size: int) -> Tensor:
    """Cosines and sines (2, T, D / 2) that rotate vectors of D = size by their positions (T,).

    Su et al., RoFormer (2021), eq. 34. Every layer rotates by the same ones.
    """
    half = size // 2
    exponents = torch.arange(half, device=positions.device, dtype=torch.float32) / half
    angles = positions[:, None].float() * 10000.0**-exponents
    return torch.stack([angles.cos(), angles.sin()])


def rotate(vectors: Tensor, turn: Tensor) -> Tensor:
    """Rotary position embedding: vectors (B, H, T, D) rotated by rotation(positions, D)."""
    cosine, sine = turn.to(vectors.dtype)
    first, second = vectors.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


def chunk_mask(frames: int, chunk_frames: int | None, left_frames: int, device: torch.device) -> Tensor:
    """Which key frame a query frame may see: bool (T, T), True where it may.

    A frame sees its own chunk whole and left_frames before the chunk's start; everything where chunk_frames
    is None (Zhang et al., Unified Streaming and Non-streaming Two-pass End-to-end Model, 2020).
    """
    if chunk_frames is None:
        return torch.ones(frames, frames, dtype=torch.bool, device=device)
    position = torch.arange(frames, device=device)
    chunk_start = position // chunk_frames * chunk_frames
    oldest, newest = chunk_start - left_frames, chunk_start + chunk_frames
    return (position >= oldest[:, None]) & (position < newest[:, None])


class ChunkedAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al., 2017) with rotary positions and a key/value cache."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)

    def _split(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, dim = frames.shape
        projected = self.project(frames).view(batch, length, 3, self.heads, dim // self.heads)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)  # each (B, H, T, D / H)
        return queries, keys, values

    def _attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, turn: Tensor) -> Tensor:
        queries, keys = rotate(queries, turn[:, -queries.shape[2] :]), rotate(keys, turn)
        # Written out: on CPUs the fused kernel is slower than these for the short sequences of speech.
        scores = queries @ keys.transpose(-1, -2) * keys.shape[-1] ** -0.5  # (B, H, T, T_keys)
        mixed = scores.masked_fill(~mask, float("-inf")).softmax(-1).to(values.dtype) @ values
        return self.output(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def forward(self, frames: Tensor, mask: Tensor, turn: Tensor) -> Tensor:
        """frames (B, T, D), mask bool (B, 1, T, T) -> (B, T, D). turn: rotation of T positions."""
        queries, keys, values = self._split(frames)
        return self._attend(queries, keys, values, mask, turn)

    def step(
        self, frames: Tensor, mask: Tensor, turn: Tensor, keys: Tensor, values: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One chunk (B, T, D) after the cached keys and values (B, H, T_left, D / H).

        mask: bool (B, 1, T, T_left + T). turn: rotation of T_left + T positions. Returns the output and the next
        caches, of the same size.
        """
        queries, new_keys, new_values = self._split(frames)
        left = keys.shape[2]
        keys, values = torch.cat([keys, new_keys], 2), torch.cat([values, new_values], 2)
        mixed = self._attend(queries, keys, values, mask, turn)
        return mixed, keys[:, :, keys.shape[2] - left :], values[:, :, values.shape[2] - left :]


class CausalConvolution(nn.Module):
    """The Conformer's convolution module (Gulati et al., 2020), causal, with layer instead of batch norm."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, dim)
        self.history = kernel - 1

    def forward(self, frames: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """frames (B, T, D) after cache (B, D, K - 1) -> (B, T, D) and the next cache."""
        gated = functional.glu(self.expand(frames), -1).transpose(1, 2)  # (B, D, T)
        padded = torch.cat([cache.to(gated.dtype), gated], 2)
        mixed = self.depthwise(padded).transpose(1, 2)
        return self.output(functional.silu(self.norm(mixed))), padded[:, :, padded.shape[2] - self.history :]


class FeedForward(nn.Module):
    """Position-wise feed-forward module with SiLU, for the half-step residuals of a Conformer block."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, hidden)
        self.output = nn.Linear(hidden, dim)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.output(functional.silu(self.expand(self.norm(frames))))  # type: ignore[no-any-return]


class Subsampling(nn.Module):
    """Two causal 3x3 convolutions of stride 2 and a projection: 4 feature frames become 1 encoder frame.

    An output frame needs one feature frame of history and its own four, so nothing waits for the future.
    """

    FACTOR = 4

    def __init__(self, num_mels: int, channels: int, dim: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels // 2, 3, stride=2, padding=(0, 1))
        self.second = nn.Conv2d(channels // 2, channels, 3, stride=2, padding=(0, 1))
        self.output = nn.Linear(channels * self.reduced_mels(num_mels, 2), dim)
        self.norm = nn.LayerNorm(dim)  # without it the blocks' biases drown the small output at the start
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on CPUs

    @staticmethod
    def reduced_mels(num_mels: int, convolutions: int) -> int:
        """Height of the feature map after so many convolutions."""
        for _ in range(convolutions):
            num_mels = (num_mels + 1) // 2
        return num_mels

    def forward(self, features: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """features (B, 4 T, F) after the last frame of each convolution's input -> (B, T, D) and next caches.

        first: (B, 1, 1, F); second: (B, C / 2, 1, ceil(F / 2)).
        """
        maps = torch.cat([first, features[:, None]], 2)  # (B, 1, 1 + 4 T, F)
        middle = functional.silu(self.first(maps))
        second = second.to(middle.dtype).contiguous(memory_format=torch.channels_last)
        middle = torch.cat([second, middle], 2)
        reduced = functional.silu(self.second(middle))  # (B, C, T, F / 4)
        frames = self.norm(self.output(reduced.transpose(1, 2).flatten(2)))
        return frames, maps[:, :, -1:], middle[:, :, -1:]
