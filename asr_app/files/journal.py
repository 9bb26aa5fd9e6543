"""What keeps an interrupted transcription: the runs of speech that were heard, one JSON line each, beside its output.

Words are written down as exactly as they are in memory, so the transcript after an interruption is the same to the
byte. The journal goes when the transcript is there.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asr_app.errors import OutputError
from asr_app.records.append import append_line
from asr_app.sinks.segment import Alternative, Utterance
from decoder.types import Word

Place = tuple[int, int, int]
"""Of a run of speech: its channel (0: all of them), and its first and last sample."""


class RunJournal:
    """The journal of one recording's transcription."""

    def __init__(self, path: Path, about: dict[str, Any], forms: Sequence[str]) -> None:
        """about: what the result depends on; a journal about something else is begun anew.

        forms: of the transcript, that are to be written.

        Raises OutputError where it cannot be written.
        """
        self._path = path
        header = json.dumps({"about": about, "forms": forms}, sort_keys=True).encode()
        try:
            found = path.read_bytes() if path.exists() else b""
            first, *lines = found[: found.rfind(b"\n") + 1].splitlines() or [b""]
            if first == header:
                os.truncate(path, found.rfind(b"\n") + 1)  # without a line that was cut short
            else:
                lines = lines if _header(first).get("about") == about else []
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"".join(line + b"\n" for line in (header, *lines)))
            self._kept = dict(_runs(lines))
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}: choose another place for the transcript") from error

    def heard(self, place: Place) -> Utterance | None:
        """What was said in a run that was heard before."""
        return self._kept.get(place)

    def keep(self, place: Place, utterance: Utterance) -> None:
        """Write down what was heard; from here on only a crash of the whole machine can lose it."""
        if place in self._kept:
            return
        line = json.dumps({"place": place, **asdict(utterance)}, ensure_ascii=False)
        try:
            append_line(self._file, line)
        except OSError as error:
            raise OutputError(f"{self._path}: {error.strerror}: make room, and go on with --resume") from error

    def close(self) -> None:
        """Leave the journal for the next run."""
        self._file.close()

    def discard(self) -> None:
        """The transcript is there, or cannot be: the journal goes."""
        self.close()
        self._path.unlink(missing_ok=True)


def unwritten_forms(path: Path) -> frozenset[str]:
    """The forms that an interrupted run was to write, by its journal; none where there is none."""
    try:
        with path.open("rb") as file:
            return frozenset(_header(file.readline()).get("forms", ()))
    except (OSError, TypeError):
        return frozenset()


def _header(line: bytes) -> dict[str, Any]:
    """{about, forms}; empty for a line that is no header."""
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return {}


def _runs(lines: Iterable[bytes]) -> Iterator[tuple[Place, Utterance]]:
    """The runs of a journal's lines; from a line that is none on, all is heard again."""
    for line in lines:
        try:
            row = json.loads(line)
            channel, first, last = row["place"]
            words = tuple(Word(**word) for word in row["words"])
            alternatives = tuple(Alternative(**one) for one in row["alternatives"])
            yield (channel, first, last), Utterance(words, row["speaker"], alternatives)
        except (ValueError, KeyError, TypeError):
            return
