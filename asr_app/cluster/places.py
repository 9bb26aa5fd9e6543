"""Files of any place that fsspec knows: paths that all machines share, and s3://, gs:// and other addresses."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from asr_app.audio.blocks import shown
from asr_app.errors import AudioFormatError, ConfigError, OutputError
from asr_app.files.inputs import PATTERNS, Recording, recordings
from asr_app.files.outputs import write_whole

_Result = TypeVar("_Result")

_FILE = "file://"
_TRIES = 4  # of a read or a write, with 1, 2 and 4 s between
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Errors that time does not mend."""


def is_address(name: str) -> bool:
    """Whether a name is s3://..., or a path that all machines share."""
    return "://" in name and not name.startswith(_FILE)


def whole(name: str) -> str:
    """A name by which other machines find the same: an address, or an absolute path."""
    return name if is_address(name) else str(Path(name.removeprefix(_FILE)).absolute())


def join(folder: str, place: Path) -> str:
    """The name of a place in a folder."""
    return f"{folder.rstrip('/')}/{place.as_posix()}" if is_address(folder) else str(Path(folder) / place)


def find(
    names: Iterable[str], patterns: Sequence[str] = PATTERNS
) -> Iterator[Recording | tuple[Recording, AudioFormatError]]:
    """As files.inputs.recordings, for addresses, too."""
    for name in names:
        yield from _found(name, patterns) if is_address(name) else recordings([name.removeprefix(_FILE)], patterns)


@contextmanager
def fetched(name: str) -> Iterator[str]:
    """A path to a recording while it is used: its own, or that of a copy. AudioFormatError where it cannot be read."""
    if not is_address(name):
        yield name
        return
    with TemporaryDirectory(prefix="asr-") as folder:
        system, path = _system(name)
        copy = str(Path(folder, PurePosixPath(path).name or "recording"))
        try:
            _patiently(lambda: system.get_file(path, copy))
        except Exception as error:
            raise AudioFormatError(_explained(name, error)) from error
        yield copy


def write(name: str, text: str) -> None:
    """Write a whole file, or none; OutputError where that cannot be."""
    if not is_address(name):
        write_whole(Path(name), text)
        return
    system, path = _system(name)

    def send() -> None:
        system.makedirs(system._parent(path), exist_ok=True)
        system.pipe_file(path, text.encode("utf-8", "backslashreplace"))

    try:
        _patiently(send)
    except Exception as error:
        raise OutputError(_explained(name, error)) from error


def there(folder: str) -> frozenset[str]:
    """All files below a folder, from there; none where there is no folder."""
    if not is_address(folder):
        return frozenset(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
    system, path = _system(folder)
    try:
        return frozenset(PurePosixPath(one).relative_to(path).as_posix() for one in system.find(path))
    except Exception as error:
        raise OutputError(_explained(folder, error)) from error


def _found(name: str, patterns: Sequence[str]) -> Iterator[Recording | tuple[Recording, AudioFormatError]]:
    system, path = _system(name)
    itself = Recording(name, Path(PurePosixPath(path).name))
    try:
        inside = sorted(system.find(path)) if system.isdir(path) else None
    except Exception as error:  # noqa: BLE001  # it is the recording's own
        yield itself, AudioFormatError(_explained(name, error))
        return
    if inside is None:
        yield itself
        return
    places = [PurePosixPath(one).relative_to(path) for one in inside]
    taken = [Path(place) for place in places if _is_wanted(place, patterns)]
    yield from (Recording(join(name, place), place) for place in taken)
    if not taken:
        yield itself, AudioFormatError(f"{shown(name)} has no recordings: name another place, or a --pattern")


def _is_wanted(place: PurePosixPath, patterns: Sequence[str]) -> bool:
    """As of folders: nothing hidden, and names whatever the case of their letters."""
    hidden = any(part.startswith(".") for part in place.parts)
    return not hidden and any(fnmatch(place.name.lower(), pattern.lower()) for pattern in patterns)


def _system(name: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it; ConfigError where there is none."""
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(name)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{shown(name)} cannot be reached: {error}") from error
    return system, str(path)


def _patiently(work: Callable[[], _Result]) -> _Result:
    """Do what a busy server may refuse at first."""
    for delay_s in [2.0**k for k in range(_TRIES - 1)]:
        try:
            return work()
        except _FINAL:
            raise
        except OSError:
            time.sleep(delay_s)
    return work()


def _explained(name: str, error: Exception) -> str:
    """One line about what a file system raised; stores have errors of their own beside OSError."""
    said = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
    return f"{shown(name)}: {said}: check the address, and the rights of the machine that asks"
