"""Neural language models over word pieces: LSTM, GRU and Transformer, one interface; the files of a trained one.

A network maps pieces (B, T) to the log-probabilities of the next one (B, T, V). Output and input share one matrix of
embeddings (Press and Wolf, Using the output embedding to improve language models, EACL 2017).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.layers import rotate, rotation
from models.model_files import ModelFiles
from models.quantisation import quantise
from models.word_pieces import BOUNDARY, WordPieces

FILES = ModelFiles("neural_lm", "asr-app neural lm")


@dataclass(frozen=True, slots=True)
class LmConfig:
    """Sizes of a network.

    kind: lstm, gru or transformer. dim: width of the embeddings. hidden: of a recurrent layer, or of a Transformer's
    feed-forward part. heads: of a Transformer's attention. dropout: of embeddings and outputs, in training only.
    """

    kind: str = "lstm"
    dim: int = 256
    hidden: int = 512
    layers: int = 1
    heads: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _BODIES:
            raise ValueError(f"a language model is one of {', '.join(_BODIES)}, not {self.kind!r}")
        if min(self.dim, self.hidden, self.layers, self.heads) < 1 or self.dim % (2 * self.heads):
            raise ValueError(f"{self.heads} attention heads do not divide {self.dim} into even parts")


class RecurrentBody(nn.Module):
    """LSTM (Hochreiter and Schmidhuber, 1997) or GRU (Cho et al., 2014) layers, then a projection to the embeddings."""

    def __init__(self, layers: type[nn.LSTM] | type[nn.GRU], config: LmConfig) -> None:
        super().__init__()
        self.blocks = layers(config.dim, config.hidden, config.layers, batch_first=True)
        self.output = nn.Linear(config.hidden, config.dim)

    def forward(self, embedded: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D); a place sees those before it and itself."""
        return self.output(self.blocks(embedded)[0])  # type: ignore[no-any-return]


class TransformerBlock(nn.Module):
    """Causal self-attention with rotary positions and a feed-forward part (Vaswani et al., 2017), norms before them."""

    def __init__(self, config: LmConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(config.dim)
        self.project = nn.Linear(config.dim, 3 * config.dim)
        self.mix = nn.Linear(config.dim, config.dim)
        self.feed_forward_norm = nn.LayerNorm(config.dim)
        self.expand = nn.Linear(config.dim, config.hidden)
        self.contract = nn.Linear(config.hidden, config.dim)
        for last in (self.mix, self.contract):  # a block begins as the identity
            nn.init.zeros_(last.weight)

    def forward(self, embedded: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D); a place sees those before it and itself."""
        embedded = embedded + self.mix(self._attend(self.attention_norm(embedded)))
        wide = functional.silu(self.expand(self.feed_forward_norm(embedded)))
        return embedded + self.contract(wide)  # type: ignore[no-any-return]

    def _attend(self, normed: Tensor) -> Tensor:
        batch, length, dim = normed.shape
        projected = self.project(normed).view(batch, length, 3, self.heads, dim // self.heads)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)  # each (B, H, T, D / H)
        turn = rotation(torch.arange(length, device=normed.device), dim // self.heads)
        queries, keys = rotate(queries, turn), rotate(keys, turn)
        mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        return mixed.transpose(1, 2).flatten(2)


class TransformerBody(nn.Module):
    """Blocks, and a norm after the last."""

    def __init__(self, config: LmConfig) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(TransformerBlock(config) for _ in range(config.layers)))
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, embedded: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D); a place sees those before it and itself."""
        return self.norm(self.blocks(embedded))  # type: ignore[no-any-return]


_BODIES = {
    "lstm": lambda config: RecurrentBody(nn.LSTM, config),
    "gru": lambda config: RecurrentBody(nn.GRU, config),
    "transformer": TransformerBody,
}


class LmNetwork(nn.Module):
    """A language model over pieces; each sequence begins with BOUNDARY."""

    def __init__(self, config: LmConfig, pieces: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(pieces, config.dim)
        nn.init.normal_(self.embedding.weight, std=config.dim**-0.5)
        self.body: nn.Module = _BODIES[config.kind](config)
        self.bias = nn.Parameter(torch.zeros(pieces))
        self.dropout = nn.Dropout(config.dropout)
        self._scale = config.dim**0.5

    def logits(self, tokens: Tensor) -> Tensor:
        """Pieces (B, T) -> unnormalised log-probabilities (B, T, V) of the piece after each."""
        embedded = self.dropout(self.embedding(tokens) * self._scale)
        return functional.linear(self.dropout(self.body(embedded)), self.embedding.weight, self.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pieces (B, T) -> natural-log probabilities (B, T, V) of the piece after each."""
        return self.logits(tokens).log_softmax(-1)


@dataclass(frozen=True)
class NeuralLm:
    """A trained network with its pieces; shared and never changed."""

    config: LmConfig
    pieces: WordPieces
    network: LmNetwork
    provenance: dict[str, Any] = field(default_factory=dict)

    def score(self, sentences: Sequence[str]) -> list[float]:
        """Natural log of the probability of each sentence, its end included; ValueError for a wrong character."""
        return [sum(scores) for scores in self.word_scores(sentences)]

    @torch.inference_mode()
    def word_scores(self, sentences: Sequence[str]) -> list[list[float]]:
        """Natural log of the probability of each word of each sentence, then of its end, all in one batch."""
        encoded = [self.pieces.encode(sentence) for sentence in sentences]
        if not encoded:
            return []
        width = 1 + max(map(len, encoded))
        inputs, targets = (torch.full((len(encoded), width), BOUNDARY) for _ in range(2))
        for row, numbers in enumerate(encoded):
            inputs[row, 1 : len(numbers) + 1] = targets[row, : len(numbers)] = torch.tensor(numbers)
        logits = self.network.logits(inputs)
        scores = logits.gather(-1, targets[..., None])[..., 0] - logits.logsumexp(-1)  # (B, T)
        return [self._of_words(*one) for one in zip(encoded, scores.tolist(), strict=True)]

    def _of_words(self, numbers: list[int], scores: list[float]) -> list[float]:
        """Sums over the pieces of each word, then the score of the end."""
        words: list[float] = []
        for number, score in zip(numbers, scores, strict=False):
            if self.pieces.opens(number):
                words.append(score)
            else:
                words[-1] += score
        return [*words, scores[len(numbers)]]


def save_neural_lm(folder: Path, lm: NeuralLm) -> None:
    """Write a model into a folder, matrices in 8 bits."""
    description = {"network": asdict(lm.config), "provenance": lm.provenance, "pieces": " ".join(lm.pieces.pieces)}
    FILES.write(folder, quantise(lm.network.state_dict()), description)


def load_neural_lm(folder: Path) -> NeuralLm:
    """Read and verify a model; OSError where a file cannot be read, else ValueError in one line."""
    return FILES.read(folder, _built)


def _built(description: dict[str, Any], weights: dict[str, Tensor]) -> NeuralLm:
    config, pieces = LmConfig(**description["network"]), WordPieces(description["pieces"].split())
    network = LmNetwork(config, len(pieces))
    network.load_state_dict(weights)
    return NeuralLm(config, pieces, network.eval().requires_grad_(False), description["provenance"])
