"""What a writer of transcripts needs of a segment."""

from dataclasses import dataclass
from typing import Protocol

from decoder.types import Word


class Segment(Protocol):
    """A finished part of a transcript: its words in order, times in seconds from the start of the stream."""

    @property
    def words(self) -> tuple[Word, ...]:
        """The words; may be none."""
        ...


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of a segment, and the natural logarithm of its score."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A Segment of a recording, with what its recogniser knows beside the words.

    speaker: who said it, where each speaker has a channel; else empty.
    alternatives: the likeliest readings, best first, where they were asked for.
    """

    words: tuple[Word, ...]
    speaker: str = ""
    alternatives: tuple[Alternative, ...] = ()

    @property
    def text(self) -> str:
        """The words on one line."""
        return spoken(self)


def spoken(segment: Segment) -> str:
    """The words of a segment on one line."""
    return " ".join(" ".join(word.text for word in segment.words).split())


def speaker_of(segment: Segment) -> str:
    """Who said a segment; empty where nobody is named."""
    return segment.speaker if isinstance(segment, Utterance) else ""
