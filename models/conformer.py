"""The streaming mel encoder: a Conformer with causal convolutions and chunked self-attention.

Trained with chunk sizes drawn at random, one set of weights serves any chunk size and full context. `step`
over chunks equals `forward` with the mask of the same chunk size.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers import CausalConvolution, ChunkedAttention, FeedForward, Subsampling, chunk_mask, rotation


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Size of the encoder; frames are encoder frames, Subsampling.FACTOR feature frames each."""

    num_mels: int = 80
    dim: int = 144
    layers: int = 8
    heads: int = 4
    feed_forward: int = 576
    kernel: int = 15
    channels: int = 32
    left_context: int = 64

    @property
    def head_dim(self) -> int:
        """Size of an attention head."""
        return self.dim // self.heads


@dataclass(frozen=True, slots=True)
class LayerState:
    """Caches of one block: keys, values (B, H, T_left, D / H); convolution (B, D, K - 1)."""

    keys: Tensor
    values: Tensor
    convolution: Tensor


@dataclass(frozen=True, slots=True)
class EncoderState:
    """Everything a batch of streams remembers between steps.

    first (B, 1, 1, F), second (B, C / 2, 1, ceil(F / 2)): caches of the subsampling.
    frames_seen: (B,) encoder frames.
    """

    first: Tensor
    second: Tensor
    layers: tuple[LayerState, ...]
    frames_seen: Tensor

    def tensors(self) -> list[Tensor]:
        """All caches in a fixed order, batch first."""
        caches = [cache for layer in self.layers for cache in (layer.keys, layer.values, layer.convolution)]
        return [self.first, self.second, self.frames_seen, *caches]

    @staticmethod
    def from_tensors(tensors: list[Tensor]) -> "EncoderState":
        """The inverse of tensors()."""
        first, second, seen, *caches = tensors
        layers = tuple(LayerState(*caches[at : at + 3]) for at in range(0, len(caches), 3))
        return EncoderState(first, second, layers, seen)

    @staticmethod
    def stack(states: list["EncoderState"]) -> "EncoderState":
        """One batch of several streams' states."""
        columns = zip(*(state.tensors() for state in states), strict=True)
        return EncoderState.from_tensors([torch.cat(column) for column in columns])

    def split(self) -> list["EncoderState"]:
        """The state of each stream of the batch."""
        # copies: a view would keep the whole batch in memory for as long as one of its streams sleeps
        rows = zip(*([row.clone() for row in torch.split(tensor, 1)] for tensor in self.tensors()), strict=True)
        return [EncoderState.from_tensors(list(row)) for row in rows]


class ConformerBlock(nn.Module):
    """Half feed-forward, attention, convolution, half feed-forward (Gulati et al., 2020, section 2.4)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.first = FeedForward(config.dim, config.feed_forward)
        self.attention_norm = nn.LayerNorm(config.dim)
        self.attention = ChunkedAttention(config.dim, config.heads)
        self.convolution_norm = nn.LayerNorm(config.dim)
        self.convolution = CausalConvolution(config.dim, config.kernel)
        self.second = FeedForward(config.dim, config.feed_forward)
        self.norm = nn.LayerNorm(config.dim)

    def _finish(self, frames: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        mixed, cache = self.convolution(self.convolution_norm(frames), cache)
        frames = frames + mixed
        return self.norm(frames + 0.5 * self.second(frames)), cache

    def forward(self, frames: Tensor, mask: Tensor, turn: Tensor, cache: Tensor) -> Tensor:
        """frames (B, T, D), mask (B, 1, T, T), rotation of T positions, convolution cache of zeros -> (B, T, D)."""
        frames = frames + 0.5 * self.first(frames)
        frames = frames + self.attention(self.attention_norm(frames), mask, turn)
        return self._finish(frames, cache)[0]

    def step(self, frames: Tensor, mask: Tensor, turn: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """One chunk (B, T, D) with mask (B, 1, T, T_left + T) and rotation of T_left + T positions."""
        frames = frames + 0.5 * self.first(frames)
        normed = self.attention_norm(frames)
        mixed, keys, values = self.attention.step(normed, mask, turn, state.keys, state.values)
        frames, convolution = self._finish(frames + mixed, state.convolution)
        return frames, LayerState(keys, values, convolution)


class ConformerEncoder(nn.Module):
    """Log-mel features to encoder frames."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(config.num_mels))
        self.register_buffer("deviation", torch.ones(config.num_mels))
        self.subsampling = Subsampling(config.num_mels, config.channels, config.dim)
        self.blocks = nn.ModuleList(ConformerBlock(config) for _ in range(config.layers))

    def init_state(self, batch: int) -> EncoderState:
        """The state of a batch of streams at their start."""
        config, zeros = self.config, self.mean.new_zeros
        cache = (batch, config.heads, config.left_context, config.head_dim)
        layer = LayerState(zeros(cache), zeros(cache), zeros(batch, config.dim, config.kernel - 1))
        return EncoderState(
            first=zeros(batch, 1, 1, config.num_mels),
            second=zeros(batch, config.channels // 2, 1, Subsampling.reduced_mels(config.num_mels, 1)),
            layers=(layer,) * config.layers,
            frames_seen=torch.zeros(batch, dtype=torch.long, device=self.mean.device),
        )

    def _normalise(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Zero mean and unit variance; frames past the length and those that fill up the last 4 are zero."""
        surplus = -features.shape[1] % Subsampling.FACTOR
        valid = torch.arange(features.shape[1], device=features.device) < lengths[:, None]
        normalised = (features - self.mean) / self.deviation * valid[..., None]
        return functional.pad(normalised, (0, 0, 0, surplus))

    def subsample(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Whole utterances: features (B, T, F), lengths (B,) -> the blocks' input (B, ceil(T / 4), D), lengths."""
        state = self.init_state(features.shape[0])
        frames, _, _ = self.subsampling(self._normalise(features, lengths), state.first, state.second)
        return frames, encoded_length(lengths)

    def block_outputs(self, frames: Tensor, lengths: Tensor, chunk_frames: int | None = None) -> list[Tensor]:
        """Subsampled frames (B, T, D), lengths (B,) -> these frames and the output (B, T, D) of each block.

        chunk_frames: encoder frames a chunk; None is full context.
        """
        position = torch.arange(frames.shape[1], device=frames.device)
        mask = chunk_mask(frames.shape[1], chunk_frames, self.config.left_context, frames.device)
        mask = mask & (position < lengths[:, None])[:, None]  # (B, T, T)
        mask = (mask | (position == position[:, None]))[:, None]  # padding sees itself, so no row is empty
        turn = rotation(position, self.config.head_dim)
        outputs = [frames]
        for block, layer in zip(self.blocks, self.init_state(len(frames)).layers, strict=True):
            outputs.append(block(outputs[-1], mask, turn, layer.convolution))
        return outputs

    def forward(self, features: Tensor, lengths: Tensor, chunk_frames: int | None = None) -> tuple[Tensor, Tensor]:
        """Whole utterances: features (B, T, F), lengths (B,) -> frames (B, ceil(T / 4), D), lengths.

        chunk_frames: encoder frames a chunk; None is full context.
        """
        frames, lengths = self.subsample(features, lengths)
        return self.block_outputs(frames, lengths, chunk_frames)[-1], lengths

    def step(self, features: Tensor, lengths: Tensor, state: EncoderState) -> tuple[Tensor, EncoderState]:
        """One chunk of each stream: features (B, T, F) -> frames (B, ceil(T / 4), D) and the next state.

        lengths (B,): valid feature frames of each stream. Only a stream's last chunk may have fewer than T or
        a count that is no multiple of 4; its frames past ceil(length / 4) mean nothing.
        """
        frames, first, second = self.subsampling(self._normalise(features, lengths), state.first, state.second)
        lengths = encoded_length(lengths)
        left, size = self.config.left_context, frames.shape[1]
        slot = torch.arange(left + size, device=frames.device)
        visible = (slot >= left - state.frames_seen[:, None]) & (slot < left + lengths[:, None])
        own = slot == left + torch.arange(size, device=frames.device)[:, None]
        mask = (visible[:, None] | own)[:, None]  # (B, 1, T, T_left + T)
        turn = rotation(slot, self.config.head_dim)
        layers = []
        for block, layer in zip(self.blocks, state.layers, strict=True):
            frames, layer = block.step(frames, mask, turn, layer)  # type: ignore[operator]
            layers.append(layer)
        return frames, EncoderState(first, second, tuple(layers), state.frames_seen + lengths)


def encoded_length(lengths: Tensor) -> Tensor:
    """Encoder frames of so many feature frames."""
    return torch.div(lengths + Subsampling.FACTOR - 1, Subsampling.FACTOR, rounding_mode="floor")
