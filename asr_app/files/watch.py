"""Waiting for recordings to arrive in a folder, and to be complete there."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from asr_app.errors import OutputError
from asr_app.files.inputs import matching
from asr_app.records.append import append_line

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

SETTLED_S = 2.0
"""A file that did not change for so long is complete, unless somebody has it open for writing."""

Version = tuple[str, int, int]
"""Of a file: its path, its size in bytes, and when it was changed, in nanoseconds."""


class Seen:
    """The versions of files that were taken already, now or by an earlier run."""

    def __init__(self, path: Path) -> None:
        """path: of a file of JSON lines that keeps them, in the user's own state folder."""
        self._path, self._versions = path, set[Version]()
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror}: mend the folder") from error
        for line in lines:
            try:
                name, size, changed = json.loads(line)
                self._versions.add((str(name), int(size), int(changed)))
            except (ValueError, TypeError):  # cut short by a crash: it is taken once more
                continue

    def __contains__(self, version: Version) -> bool:
        return version in self._versions

    def add(self, version: Version) -> None:
        """Remember a version; OutputError where it cannot be written down."""
        self._versions.add(version)
        try:
            with self._path.open("ab", buffering=0) as file:
                append_line(file, json.dumps(version))
        except OSError as error:
            raise OutputError(f"{self._path}: {error.strerror}: make room") from error


class Watch:
    """The arrivals in a folder."""

    def __init__(
        self, folder: Path, patterns: Sequence[str], seen: Seen, now: Callable[[], float] = time.monotonic
    ) -> None:
        """now: a clock in seconds that only goes on."""
        self._folder, self._patterns, self._seen, self._now = folder, patterns, seen, now
        self._growing: dict[Path, tuple[Version, float]] = {}  # and since when it is like that

    def arrivals(self, interval_s: float = 1.0) -> Iterator[list[tuple[Path, Version]]]:
        """The files that became complete, looked for again and again, for ever."""
        while True:
            yield self.look()
            time.sleep(interval_s)

    def look(self) -> list[tuple[Path, Version]]:
        """The files that are complete and were not taken; they are not taken by that (see Seen.add)."""
        before, self._growing = self._growing, {}
        complete = []
        for path in matching(self._folder, self._patterns):
            version = _version(path)
            if version is None or version in self._seen:
                continue
            known, since = before.get(path, (None, 0.0))
            since = since if known == version else self._now()
            if self._is_settled(version, since) and not _is_being_written(path):
                complete.append((path, version))
            else:
                self._growing[path] = (version, since)
        return complete

    def _is_settled(self, version: Version, since: float) -> bool:
        """A file that is renamed into its place was last changed long ago, and need not be waited for."""
        return time.time() - version[2] / 1e9 >= SETTLED_S or self._now() - since >= SETTLED_S


def _version(path: Path) -> Version | None:
    """None of a file that has vanished, and of an empty one, which somebody is about to fill."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (str(path.absolute()), status.st_size, status.st_mtime_ns) if status.st_size else None


def _is_being_written(path: Path) -> bool:
    """Whether a process has the file open for writing; False where the system cannot tell.

    Linux grants a read lease on a file that nobody writes (fcntl(2), F_SETLEASE), to its owner.
    """
    if fcntl is None or not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        with path.open("rb") as file:
            # a writer who comes now is told by a signal: SIGIO, which ends a process, unless another is named
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
