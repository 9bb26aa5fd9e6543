"""Which recordings a command means: files, folders, lists."""

import codecs
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from asr_app.audio.blocks import shown
from asr_app.audio.file import STANDARD_INPUT
from asr_app.errors import AudioFormatError, ConfigError
from asr_app.file_names import as_text

PATTERNS = tuple(
    f"*.{ending}"
    for line in (
        "3gp aac ac3 aif aifc aiff amr ape au avi caf flac flv m4a m4b m4v mka mkv mov mp2 mp3 mp4 mpeg mpg mts",
        "oga ogg ogv opus snd ts tta voc w64 wav webm wma wmv wv",
    )
    for ending in line.split()
)
"""The names that are taken of a folder unless a pattern is given."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to transcribe.

    path: as it was named, or found in a folder; "-" is standard input.
    place: where its transcript belongs in a tree of transcripts, the recording's own name at the end.
    """

    path: str
    place: Path

    @property
    def name(self) -> str:
        """For messages."""
        return shown(self.path)

    @property
    def title(self) -> str:
        """For documents: the path, with bytes that are no UTF-8 as \\xe9."""
        return as_text(self.path)

    @property
    def size(self) -> int:
        """Bytes, 0 where nobody can tell."""
        try:
            return Path(self.path).stat().st_size
        except (OSError, ValueError):
            return 0


def recordings(
    names: Iterable[str], patterns: Sequence[str] = PATTERNS
) -> Iterator[Recording | tuple[Recording, AudioFormatError]]:
    """The recordings of files and folders, in order, those of a folder by name; with an error what is none.

    Folders are searched to the bottom, but hidden files and linked folders are left out: links can go round in circles.
    """
    for name in names:
        if name == STANDARD_INPUT:
            yield Recording(name, Path("stdin"))
        elif _is_folder(name):
            yield from _of_folder(Path(name), patterns)
        else:
            yield Recording(name, Path(Path(name).name))


def read_list(source: str) -> list[str]:
    """The names in a file, or on standard input ("-"), one a line; or with null characters between, as of find -print0.

    Raises ConfigError where it cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no possible file name"
        message = f"the list {shown(source)} cannot be read ({reason}): name a file with a recording on each line"
        raise ConfigError(message) from error
    data = data.removeprefix(codecs.BOM_UTF8)
    names = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(name) for name in names if name.strip()]


def matching(folder: Path, patterns: Sequence[str], problems: list[OSError] | None = None) -> Iterator[Path]:
    """The files below a folder whose names match, whatever the case of their letters; problems: gets what is closed."""
    heard = problems.append if problems is not None else None
    for place, folders, files in os.walk(folder, onerror=heard):  # which does not follow links
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(files):
            wanted = not name.startswith(".") and any(fnmatch(name.lower(), one.lower()) for one in patterns)
            if wanted and not _is_special(Path(place, name)):
                yield Path(place, name)


def _is_special(path: Path) -> bool:
    """Whether this is a pipe, socket or device, which a folder may hold but nobody means."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:  # what is wrong is told when it is opened
        return False


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):  # too long a name, a closed folder, a null character: told when it is opened
        return False


def _of_folder(folder: Path, patterns: Sequence[str]) -> Iterator[Recording | tuple[Recording, AudioFormatError]]:
    problems: list[OSError] = []
    found = False
    for path in matching(folder, patterns, problems):
        found = True
        yield Recording(str(path), path.relative_to(folder))
    for problem in problems:
        name = problem.filename or str(folder)
        error = AudioFormatError(f"{shown(name)} is a folder that cannot be read: change its permissions")
        yield Recording(name, Path(name)), error
    if not found and not problems:
        error = AudioFormatError(f"{shown(folder)} is a folder without recordings: name others, or a --pattern")
        yield Recording(str(folder), Path(folder.name)), error
