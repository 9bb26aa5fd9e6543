"""The Transformer for sequences of symbols (Vaswani et al., Attention is all you need, 2017).

With the norms before the parts, as learns without a long warm-up (Xiong et al., On layer normalization in the
Transformer architecture, 2020).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.attention import MultiHeadAttention
from models.recurrent import State


def sinusoids(positions: Tensor, dim: int) -> Tensor:
    """Positions (T,) as vectors (T, D): sin(p / 10000^(2 i / D)), then the cosines (Vaswani et al., section 3.5)."""
    rates = 10000.0 ** -(torch.arange(dim // 2, device=positions.device) / (dim // 2))
    angles = positions[:, None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], -1)


class FeedForward(nn.Module):
    """max(0, x W + b) V + c at each place by itself (Vaswani et al., eq. 2)."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, hidden)
        self.contract = nn.Linear(hidden, dim)

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.contract(functional.relu(self.expand(vectors)))  # type: ignore[no-any-return]


class EncoderBlock(nn.Module):
    """Self-attention and feed-forward, each added to what it was given."""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = MultiHeadAttention(dim, heads)
        self.feed_forward_norm = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), mask bool (B, 1, T or 1, T) -> (B, T, D)."""
        normed = self.attention_norm(vectors)
        mixed, _ = self.attention(normed, *self.attention.project(normed), mask)
        vectors = vectors + self.dropout(mixed)
        return vectors + self.dropout(self.feed_forward(self.feed_forward_norm(vectors)))  # type: ignore[no-any-return]


class TransformerEncoder(nn.Module):
    """Blocks over embedded symbols and their positions; no order but that is known to them."""

    def __init__(self, dim: int, layers: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(EncoderBlock(dim, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output_dim = dim

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Embedded (B, L, D), mask bool (B, L), True before a row's padding -> memory (B, L, D)."""
        length, dim = embedded.shape[1:]
        vectors = embedded + sinusoids(torch.arange(length, device=embedded.device), dim)
        for block in self.blocks:
            vectors = block(vectors, mask[:, None, None])
        return self.norm(vectors)  # type: ignore[no-any-return]


class DecoderBlock(nn.Module):
    """Masked self-attention, attention to the memory, feed-forward."""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.own_norm = nn.LayerNorm(dim)
        self.own = MultiHeadAttention(dim, heads)
        self.cross_norm = nn.LayerNorm(dim)
        self.cross = MultiHeadAttention(dim, heads)
        self.feed_forward_norm = nn.LayerNorm(dim)
        self.feed_forward = FeedForward(dim, hidden)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, vectors: Tensor, past: State, own_mask: Tensor, memory: State, memory_mask: Tensor
    ) -> tuple[Tensor, State, Tensor]:
        """Vectors (B, T, D); past and memory: keys and values (B, H, _, D / H); masks as of MultiHeadAttention.

        Gives (B, T, D), keys and values with the new ones, and the weights over the memory (B, H, T, L).
        """
        normed = self.own_norm(vectors)
        new = self.own.project(normed)
        keys, values = (torch.cat(pair, 2) for pair in zip(past, new, strict=True))
        vectors = vectors + self.dropout(self.own(normed, keys, values, own_mask)[0])
        found, weights = self.cross(self.cross_norm(vectors), *memory, memory_mask)
        vectors = vectors + self.dropout(found)
        vectors = vectors + self.dropout(self.feed_forward(self.feed_forward_norm(vectors)))
        return vectors, (keys, values), weights


class TransformerDecoder(nn.Module):
    """Blocks that see the symbols so far and the memory.

    Its state holds, for each block, keys and values of the symbols so far and of the memory.
    """

    def __init__(self, dim: int, layers: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(dim, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.output_dim = dim

    def begin(self, memory: Tensor, mask: Tensor) -> State:
        """Memory (B, L, D) -> state; the mask is that of every step."""
        state: State = ()
        for block in self.blocks:
            keys, values = block.cross.project(memory)  # type: ignore[operator, union-attr]
            state += keys[:, :, :0], values[:, :, :0], keys, values
        return state

    def step(self, embedded: Tensor, memory: Tensor, mask: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """The last symbol (B, D) -> output (B, D), attention weights (B, L), next state."""
        outputs, weights, state = self._extend(embedded[:, None], mask, state)
        return outputs[:, 0], weights[:, 0], state

    def forward(self, embedded: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """Embedded symbols (B, T, D), each the one before what is to be said -> outputs (B, T, D)."""
        return self._extend(embedded, mask, self.begin(memory, mask))[0]

    def _extend(self, embedded: Tensor, mask: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """New symbols (B, T, D) -> outputs (B, T, D), the last block's weights, mean of its heads (B, T, L), state."""
        new, dim = embedded.shape[1:]
        past = state[0].shape[2]
        positions = torch.arange(past + new, device=embedded.device)
        causal = positions <= positions[past:, None]  # (T, T_past + T)
        vectors = embedded + sinusoids(positions[past:], dim)
        weights, after = torch.empty(0), list(state)
        for place, block in enumerate(self.blocks):
            own, memory = state[4 * place : 4 * place + 2], state[4 * place + 2 : 4 * place + 4]
            vectors, own, weights = block(vectors, own, causal, memory, mask[:, None, None])
            after[4 * place : 4 * place + 2] = own
        return self.norm(vectors), weights.mean(1), tuple(after)
