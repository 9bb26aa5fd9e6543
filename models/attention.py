"""Attention of queries to a memory: four scores for recurrent decoders, and the Transformer's many heads.

All of them compute weights = softmax(score(query, memory)) and the weighted mean of the memory, the context
(Bahdanau et al., Neural machine translation by jointly learning to align and translate, 2015, eq. 5 and 6).
"""

import math

import torch
from torch import Tensor, nn


def attend(scores: Tensor, memory: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Scores (..., T, L), memory (..., L, D), mask bool (..., T or 1, L), True where to look; None is everywhere.

    Gives contexts (..., T, D) and weights (..., T, L). Each query must see something.
    """
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(-1)
    return weights @ memory, weights


class DotScore(nn.Module):
    """q . m (Luong et al., Effective approaches to attention-based neural machine translation, 2015, eq. 8, dot)."""

    def __init__(self, query: int, memory: int) -> None:
        super().__init__()
        if query != memory:
            raise ValueError(f"dot products need queries as wide as the memory, not {query} and {memory}")

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(B, T, D), (B, L, D) -> (B, T, L)."""
        return queries @ memory.transpose(1, 2)


class ScaledDotScore(DotScore):
    """q . m / sqrt(D) (Vaswani et al., Attention is all you need, 2017, eq. 1)."""

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(B, T, D), (B, L, D) -> (B, T, L)."""
        return super().forward(queries, memory) / math.sqrt(memory.shape[-1])


class BilinearScore(nn.Module):
    """q W m, also called multiplicative (Luong et al., 2015, eq. 8, general)."""

    def __init__(self, query: int, memory: int) -> None:
        super().__init__()
        self.weight = nn.Linear(query, memory, bias=False)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(B, T, Q), (B, L, D) -> (B, T, L)."""
        return self.weight(queries) @ memory.transpose(1, 2)  # type: ignore[no-any-return]


class AdditiveScore(nn.Module):
    """v . tanh(W q + U m) (Bahdanau et al., 2015, appendix A.1.2)."""

    def __init__(self, query: int, memory: int) -> None:
        super().__init__()
        self.query = nn.Linear(query, query)
        self.memory = nn.Linear(memory, query, bias=False)
        self.score = nn.Linear(query, 1, bias=False)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """(B, T, Q), (B, L, D) -> (B, T, L)."""
        pairs = self.query(queries)[:, :, None] + self.memory(memory)[:, None]  # (B, T, L, Q)
        return self.score(pairs.tanh()).squeeze(-1)  # type: ignore[no-any-return]


SCORES: dict[str, type[DotScore | BilinearScore | AdditiveScore]] = {
    "dot": DotScore,
    "scaled dot": ScaledDotScore,
    "bilinear": BilinearScore,
    "additive": AdditiveScore,
}


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention in several subspaces at once (Vaswani et al., 2017, section 3.2.2)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise ValueError(f"{heads} attention heads do not divide {dim}")
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.memory = nn.Linear(dim, 2 * dim)
        self.output = nn.Linear(dim, dim)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Memory (B, L, D) -> keys and values (B, H, L, D / H), which a decoder makes once."""
        keys, values = self.memory(memory).chunk(2, -1)
        return self._split(keys), self._split(values)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (B, T, D), keys and values (B, H, L, D / H), mask bool (B, 1, T or 1, L).

        Gives (B, T, D) and the heads' weights (B, H, T, L).
        """
        split = self._split(self.query(queries)) * keys.shape[-1] ** -0.5
        contexts, weights = attend(split @ keys.transpose(-1, -2), values, mask)
        return self.output(contexts.transpose(1, 2).flatten(2)), weights

    def _split(self, vectors: Tensor) -> Tensor:
        batch, length, dim = vectors.shape
        return vectors.view(batch, length, self.heads, dim // self.heads).transpose(1, 2)
