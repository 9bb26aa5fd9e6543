"""What every step from words to written text takes and gives, and what a text model is to offer.

A final's words become tokens, a stage maps tokens to tokens, and the last tokens are the written text. Each token
knows the raw words it stands for, so every change can be seen and undone, and word times survive.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of written text.

    text: as it is written; may hold spaces; "\\n" and "\\n\\n" are a line and a paragraph break.
    start, end: it stands for the raw words [start, end); start == end where nothing was said, as of a full stop.
    space_before: whether a space parts it from the token before.
    locked: the user said or chose it so; no later stage changes it.
    stage: the name of the stage that wrote it; empty for a word as it was recognised.
    """

    text: str
    start: int
    end: int
    space_before: bool = True
    locked: bool = False
    stage: str = ""


Tokens = tuple[Token, ...]


class Stage(Protocol):
    """One step. It may fail or take long: who runs it falls back to the raw words."""

    @property
    def name(self) -> str:
        """What a user knows it by."""
        ...

    def apply(self, tokens: Tokens) -> Tokens:
        """The tokens after this step, standing for the same raw words in the same order; locked ones as they were."""
        ...


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The written form of the words [start, end) of a sequence; kind is its class: money, date."""

    start: int
    end: int
    text: str
    kind: str


class Rewriter(Protocol):
    """Inverse text normalisation, by rules or by a sequence-to-sequence model."""

    def rewrites(self, words: Sequence[str]) -> Sequence[Rewrite]:
        """What is to be written otherwise, in order and without overlap; other words are copied."""
        ...


class Tagger(Protocol):
    """A model of punctuation and case, which cannot change words. One is shared by all streams: it keeps no state."""

    def tag(self, words: Sequence[str]) -> Sequence[tuple[str, str]]:
        """For each word: the word with its capitals, and the mark after it: "", ",", ".", "?" or "!".

        words: in lower case, or numbers and names that an earlier stage wrote ("$23.05"); whatever number of them.
        A word that comes back with other letters than it went in is left as it was.
        """
        ...


def tokens_of(words: Iterable[str]) -> Tokens:
    """One token for each raw word."""
    return tuple(Token(word, index, index + 1) for index, word in enumerate(words))


def joined(tokens: Tokens, first: int, last: int, text: str, stage: str) -> Token:
    """One token in the place of tokens[first:last]."""
    return replace(tokens[first], text=text, end=tokens[last - 1].end, stage=stage)


def text_of(tokens: Iterable[Token]) -> str:
    """Tokens as text."""
    text = ""
    for token in tokens:
        text += f" {token.text}" if token.space_before and text and not text.endswith("\n") else token.text
    return text


def check_spans(tokens: Tokens, words: int) -> None:
    """ValueError unless the tokens stand for so many raw words, all of them, in order."""
    at = 0
    for token in tokens:
        if token.start != at or token.end < at:
            raise ValueError(f"the tokens part at word {at}")
        at = token.end
    if at != words:
        raise ValueError(f"the tokens stand for {at} words of {words}")
