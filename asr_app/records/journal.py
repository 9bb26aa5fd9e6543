"""What keeps a dictation through a crash: one JSON line for each finished, edited or removed segment.

Words in progress are written, too, once a second, as if they were finished: what is said after them takes their place.
A journal holds words, never sound, lies in the user's own state folder with mode 0600, and goes when its session ends
in good order. The last line of a segment counts. It is locked while its session lives, lest another should take it.
"""

import fcntl
import json
import os
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import platformdirs

from asr_app.errors import OutputError, ProtocolError
from asr_app.events import Final, Partial, from_json, to_json
from asr_app.records.append import append_line

_PATTERN = "dictation-*.jsonl"

_BETWEEN_PARTIALS_S = 1.0
"""Some 3 MB an hour of speech; every partial would be three times as much."""


def journal_folder() -> Path:
    """Where journals lie."""
    return platformdirs.user_state_path("asr")


class Journal:
    """The journal of one live session."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """file: open for appending, unbuffered, and locked; made by new_journal and left_journal."""
        self.path, self._file = path, file
        self._next_partial = 0.0  # by time.monotonic

    def keep(self, final: Final) -> None:
        """Write a segment, in place of what was written of it before."""
        self._append(to_json(final))

    def keep_in_progress(self, partial: Partial) -> None:
        """Write the words of a segment that is not finished, unless some were written less than a second ago."""
        now = time.monotonic()
        if partial.words and now >= self._next_partial:
            self._next_partial = now + _BETWEEN_PARTIALS_S
            self.keep(Final(partial.segment_id, partial.revision, partial.words))

    def drop(self, segment_id: int) -> None:
        """Write that a segment was removed."""
        self._append(json.dumps({"type": "removed", "segment_id": segment_id}))

    def finals(self) -> list[Final]:
        """The segments that are kept, in order."""
        return read_journal(self.path)

    def discard(self) -> None:
        """End the session in good order: the journal is deleted."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let another session take the journal."""
        self._file.close()

    def _append(self, line: str) -> None:
        try:
            append_line(self._file, line)  # from here on, only a crash of the whole machine can lose it
        except OSError as error:
            raise OutputError(f"{self.path}: {error.strerror}: save the transcript, it is no longer kept") from error


def new_journal(folder: Path) -> Journal:
    """A journal named by the time of day; OutputError where it cannot be made."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    path = folder / f"dictation-{stamp}-{os.getpid()}.jsonl"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _locked(path, os.O_CREAT | os.O_EXCL)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}: use --no-journal, or mend the folder") from error
    if file is None:
        raise OutputError(f"{path}: another program has locked it: start again")
    return Journal(path, file)


def left_journal(folder: Path) -> Journal | None:
    """The newest journal that has words and that no living session holds; None where there is none."""
    for path in sorted(folder.glob(_PATTERN), reverse=True):
        file = _locked(path)
        if file is None:
            continue
        with ExitStack() as unwanted:
            unwanted.enter_context(file)
            if read_journal(path):
                file.truncate(path.read_bytes().rfind(b"\n") + 1)  # what comes next is to begin a line
                unwanted.pop_all()
                return Journal(path, file)
    return None


def read_journal(path: Path) -> list[Final]:
    """The segments of a journal, without a last line that a crash cut short, and without one that a full disk cut.

    Raises ProtocolError where another line is none of a journal.
    """
    *lines, _ = path.read_text(encoding="utf-8", errors="replace").split("\n")
    kept: dict[int, Final] = {}
    is_cut = False
    for number, line in enumerate(lines, start=1):
        try:
            _replay(line, kept)
        except (ValueError, KeyError, TypeError, ProtocolError) as error:
            if isinstance(error, json.JSONDecodeError) and not is_cut:
                is_cut = True
                continue
            raise ProtocolError(f"{path}, line {number} is not of a journal: delete the line, or the file") from error
    return [kept[segment_id] for segment_id in sorted(kept)]


def _replay(line: str, kept: dict[int, Final]) -> None:
    fields = json.loads(line)
    if fields["type"] == "removed":
        kept.pop(fields["segment_id"], None)
        return
    event = from_json(line)
    if not isinstance(event, Final):
        raise ProtocolError("only finished segments are kept")
    kept[event.segment_id] = event


def _locked(path: Path, flags: int = 0) -> BinaryIO | None:
    """A file open for appending, without a buffer, that this process alone holds; None where another one does."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | flags, 0o600), "ab", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
