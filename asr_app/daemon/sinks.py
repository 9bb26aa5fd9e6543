"""Where the words of a dictation go."""

import sys
from typing import Protocol

from asr_app.errors import OutputError


class Sink(Protocol):
    """Takes the text of each final once, in the order in which it was said; called in a thread, one call at a time."""

    def write(self, text: str) -> None:
        """The words of a segment; AsrError says why they could not be delivered."""
        ...


class NoSink:
    """For words that only subscribers want."""

    def write(self, text: str) -> None:
        """Nothing."""


class StandardOutput:
    """A line for each segment."""

    def write(self, text: str) -> None:
        """Print it at once."""
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except OSError as error:
            reason = f"standard output takes no words ({error.strerror})"
            raise OutputError(f"{reason}: make room there, or give another --sink") from error
