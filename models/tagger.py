"""Punctuation, case and spans to rewrite, a label each for every word: a Transformer encoder that cannot change words.

The encoder is BERT's (Devlin et al., BERT: pre-training of deep bidirectional transformers, 2019), over words instead
of their pieces, with the factorised embeddings and, if wanted, the shared layers of ALBERT (Lan et al., ALBERT: a lite
BERT, 2020, section 3.1). A word is the sum of what is known of it: itself, if it is a common one, how it begins and
ends, its shape.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.model_files import ModelFiles
from models.quantisation import quantise
from models.transformer import EncoderBlock, sinusoids

FILES = ModelFiles("tagger", "asr-app tagger")

MARKS = ("", ",", ".", "?")
CASES = ("lower", "capital", "upper")
SPANS = ("outside", "begins", "goes on")
HEADS: dict[str, tuple[str, ...]] = {"mark": MARKS, "case": CASES, "span": SPANS}
"""What is said of each word; a span is what another step writes otherwise, such as a number."""

LOOK_AHEAD = 2
"""Words after its own that a live label may depend on."""

PADDING, MASK, UNKNOWN = range(3)
_SPECIAL = 3
_SHAPES = 32
FEATURES = 4
"""Rows of the embeddings that a word is the sum of."""

_LEFT, _STEP, _RIGHT = 32, 32, 16
"""Long texts are tagged in windows: words of context before, words labelled, words of context after."""
_AT_ONCE = 16
_REMEMBERED_WORDS = 50_000


@dataclass(frozen=True, slots=True)
class TaggerConfig:
    """Sizes of the network.

    affixes: rows for beginnings and ends of words. embedding: width of a row. dim, hidden: of a block and its
    feed-forward part. shared: one block's weights serve every layer.
    """

    affixes: int = 4096
    embedding: int = 96
    dim: int = 192
    hidden: int = 768
    layers: int = 4
    heads: int = 4
    shared: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if min(self.affixes, self.embedding, self.dim, self.hidden, self.layers, self.heads) < 1:
            raise ValueError("sizes must be 1 or more")
        if self.dim % (2 * self.heads):
            raise ValueError(f"{self.heads} attention heads do not divide {self.dim} into even parts")


class Vocabulary:
    """The words that have a row of their own, and the rows of any word; shared and immutable."""

    def __init__(self, words: Sequence[str], affixes: int) -> None:
        self.words = tuple(words)
        self.affixes = affixes
        self._numbers = {word: number for number, word in enumerate(self.words, _SPECIAL)}
        self.rows = lru_cache(_REMEMBERED_WORDS)(self._rows)

    @property
    def size(self) -> int:
        """How many rows there are."""
        return self.known + self.affixes + _SHAPES

    @property
    def known(self) -> int:
        """How many of them are special ones or whole words; they come first."""
        return _SPECIAL + len(self.words)

    def _rows(self, word: str) -> tuple[int, int, int, int]:
        """The rows of a word: itself or UNKNOWN, its beginning, its end, its shape. Every digit is a zero."""
        folded = re.sub(r"\d", "0", word.lower())
        number = self._numbers.get(folded, UNKNOWN)
        begins, ends = (
            self.known + zlib.crc32(part.encode()) % self.affixes for part in (f"<{folded[:3]}", f"{folded[-3:]}>")
        )
        shape = min(len(folded), 8) - 1 + 8 * ("0" in folded) + 16 * (not folded.isalnum())
        return number, begins, ends, self.known + self.affixes + max(shape, 0)


class TaggerEncoder(nn.Module):
    """Words to vectors that know their neighbours."""

    def __init__(self, config: TaggerConfig, rows: int) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(rows, config.embedding, PADDING)
        nn.init.normal_(self.embedding.weight, std=config.embedding**-0.5)
        self.expand = nn.Linear(config.embedding, config.dim)
        blocks = 1 if config.shared else config.layers
        self.blocks = nn.ModuleList(
            EncoderBlock(config.dim, config.heads, config.hidden, config.dropout) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(config.dim)

    def forward(self, words: Tensor, look_ahead: int | None = None) -> Tensor:
        """Rows of words (B, T, FEATURES), PADDING after a text's end -> (B, T, D).

        look_ahead: how many words after its own a vector may depend on, None for all. The first layer alone looks
        ahead, or the layers' looks would add up.
        """
        vectors = self.expand(self.embedding(words).sum(2))
        length = words.shape[1]
        place = torch.arange(length, device=words.device)
        vectors = vectors + sinusoids(place, self.config.dim)
        padding = words[:, :, 0] == PADDING
        visible = ~padding[:, None] | (place == place[:, None])  # (B, T, T); padding sees itself, so no row is empty
        for layer in range(self.config.layers):
            block = self.blocks[layer % len(self.blocks)]
            ahead = length if look_ahead is None else look_ahead if layer == 0 else 0
            vectors = block(vectors, (visible & (place <= place[:, None] + ahead))[:, None])
        return self.norm(vectors)  # type: ignore[no-any-return]


class TaggerNetwork(nn.Module):
    """The encoder and a linear layer for each of HEADS."""

    def __init__(self, config: TaggerConfig, rows: int) -> None:
        super().__init__()
        self.encoder = TaggerEncoder(config, rows)
        self.heads = nn.ModuleDict({name: nn.Linear(config.dim, len(labels)) for name, labels in HEADS.items()})

    def forward(self, words: Tensor, look_ahead: int | None = None) -> dict[str, Tensor]:
        """Rows (B, T, FEATURES) -> logits of each head (B, T, labels)."""
        vectors = self.encoder(words, look_ahead)
        return {name: head(vectors) for name, head in self.heads.items()}


@dataclass(frozen=True)
class WordTagger:
    """A trained network and its vocabulary; shared and never changed."""

    config: TaggerConfig
    vocabulary: Vocabulary
    network: TaggerNetwork
    provenance: dict[str, Any] = field(default_factory=dict)

    @torch.inference_mode()
    def log_probs(self, words: Sequence[str], look_ahead: int | None = None) -> dict[str, Tensor]:
        """Natural logarithms of the probabilities of each head's labels (N, labels) for each of N words.

        With look_ahead, adding words changes only the labels of the last look_ahead words.
        """
        if not words:
            return {name: torch.zeros(0, len(labels)) for name, labels in HEADS.items()}
        rows = torch.tensor([self.vocabulary.rows(word) for word in words])
        starts = range(0, len(words), _STEP)
        right = _RIGHT if look_ahead is None else look_ahead
        windows = [rows[max(0, start - _LEFT) : start + _STEP + right] for start in starts]
        found: dict[str, list[Tensor]] = {name: [] for name in HEADS}
        for first in range(0, len(windows), _AT_ONCE):
            some = windows[first : first + _AT_ONCE]
            logits = self.network(nn.utils.rnn.pad_sequence(some, True, PADDING), look_ahead)
            for name, values in logits.items():
                for start, own in zip(starts[first : first + _AT_ONCE], values, strict=True):
                    skipped = min(start, _LEFT)
                    found[name].append(own[skipped : skipped + min(_STEP, len(words) - start)].log_softmax(-1))
        return {name: torch.cat(parts) for name, parts in found.items()}


def save_tagger(folder: Path, tagger: WordTagger) -> None:
    """Write a tagger into a folder, weights in 8 bits."""
    description = {"network": asdict(tagger.config), "heads": HEADS, "words": " ".join(tagger.vocabulary.words)}
    FILES.write(folder, quantise(tagger.network.state_dict()), {**description, "provenance": tagger.provenance})


def load_tagger(folder: Path) -> WordTagger:
    """Read and verify a tagger; OSError where a file cannot be read, else ValueError in one line."""
    return FILES.read(folder, _built)


def _built(description: dict[str, Any], weights: dict[str, Tensor]) -> WordTagger:
    if {name: tuple(labels) for name, labels in description["heads"].items()} != HEADS:
        raise ValueError("it has other labels")
    config = TaggerConfig(**description["network"])
    vocabulary = Vocabulary(description["words"].split(), config.affixes)
    network = TaggerNetwork(config, vocabulary.size)
    network.load_state_dict(weights)
    return WordTagger(config, vocabulary, network.eval().requires_grad_(False), description["provenance"])
