"""Writing what was said: a span of words, "twenty three dollars and five cents", as its written form, "$23.05".

An encoder-decoder from words to characters; words that it has no symbol for are given in letters. It is given spans
alone: whatever is not one is copied by whoever asks.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from torch import Tensor

from models.model_files import ModelFiles
from models.quantisation import quantise
from models.seq2seq import END, Output, Seq2seq, Seq2seqConfig, search

FILES = ModelFiles("span_writer", "asr-app span writer")

LETTERS = ascii_lowercase + "'"
OPENS = "▁"
"""The symbol before the letters of a word that has none of its own."""

LONGEST_SPOKEN, LONGEST_WRITTEN = 48, 32
"""Symbols and characters; longer spans are none."""


class Alphabets:
    """What the network reads and writes; shared and immutable."""

    def __init__(self, words: Sequence[str], characters: str) -> None:
        """The words that have symbols of their own, and the characters that may be written."""
        self.words, self.characters = tuple(words), characters
        self._read = {symbol: number for number, symbol in enumerate((OPENS, *LETTERS, *self.words))}
        self._written = {character: number for number, character in enumerate(characters, END + 1)}

    @property
    def sources(self) -> int:
        """How many symbols there are to read."""
        return len(self._read)

    @property
    def targets(self) -> int:
        """How many symbols there are to write, END among them."""
        return END + 1 + len(self._written)

    def read(self, span: str) -> list[int] | None:
        """Spoken words as symbols; None for a span that is empty, too long, or has other letters than LETTERS."""
        if set(span) - {*LETTERS, " "}:
            return None
        symbols: list[int] = []
        for word in span.split():
            own = len(word) > 1 and word in self._read
            symbols += [self._read[one] for one in ((word,) if own else (OPENS, *word))]
        return symbols if 0 < len(symbols) <= LONGEST_SPOKEN else None

    def write(self, text: str) -> list[int] | None:
        """A written form as symbols; None where it is empty, too long, or has other characters."""
        if not 0 < len(text) <= LONGEST_WRITTEN or set(text) - set(self.characters):
            return None
        return [self._written[character] for character in text]

    def text(self, symbols: Sequence[int]) -> str:
        """The inverse of write."""
        return "".join(self.characters[symbol - END - 1] for symbol in symbols)


@dataclass(frozen=True)
class SpanWriter:
    """A trained network and its alphabets; shared and never changed."""

    config: Seq2seqConfig
    alphabets: Alphabets
    network: Seq2seq
    provenance: dict[str, Any] = field(default_factory=dict)

    def search(self, span: str, beam: int) -> list[Output]:
        """What may be written, best first; empty for a span that the network cannot take."""
        symbols = self.alphabets.read(span)
        return [] if symbols is None else search(self.network, symbols, LONGEST_WRITTEN, beam)


def save_span_writer(folder: Path, writer: SpanWriter) -> None:
    """Write a model into a folder, weights in 8 bits."""
    alphabets = {"words": " ".join(writer.alphabets.words), "characters": writer.alphabets.characters}
    description = {**alphabets, "network": asdict(writer.config), "provenance": writer.provenance}
    FILES.write(folder, quantise(writer.network.state_dict()), description)


def load_span_writer(folder: Path) -> SpanWriter:
    """Read and verify a model; OSError where a file cannot be read, else ValueError in one line."""
    return FILES.read(folder, _built)


def _built(description: dict[str, Any], weights: dict[str, Tensor]) -> SpanWriter:
    config = Seq2seqConfig(**description["network"])
    alphabets = Alphabets(description["words"].split(), description["characters"])
    network = Seq2seq(config, alphabets.sources, alphabets.targets)
    network.load_state_dict(weights)
    network.eval().requires_grad_(False)
    return SpanWriter(config, alphabets, network, description["provenance"])
