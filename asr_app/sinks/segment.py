"""What a writer of transcripts needs of a segment."""

from typing import Protocol

from decoder.types import Word


class Segment(Protocol):
    """A finished part of a transcript: its words in order, times in seconds from the start of the stream."""

    @property
    def words(self) -> tuple[Word, ...]:
        """The words; may be none."""
        ...


def spoken(segment: Segment) -> str:
    """The words of a segment on one line."""
    return " ".join(" ".join(word.text for word in segment.words).split())
