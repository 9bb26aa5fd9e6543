"""The text files that a user keeps and commands change: words, replacements.

Nothing of one is lost when two programs change it at once, when the disk is full, or when the power goes.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asr_app.errors import OutputError
from asr_app.file_names import hidden_beside
from asr_app.whole_files import replacing


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Read a file and write it anew while this is entered: other processes that enter it for the same file wait.

    A hidden file beside it is what is locked, and stays. OutputError where there can be none.
    """
    place = _place(path)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = hidden_beside(place, ".lock").open("w")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): check its folder's permissions") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace_text(path: Path, text: str) -> None:
    """Put a text in the place of a file's, whole or, with OSError, not at all; a link stays one.

    A file keeps its mode; a new one is its user's alone, for it says what they talk about.
    """
    place = _place(path)
    mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o600
    with replacing(place) as file:
        os.fchmod(file.fileno(), mode)
        file.write(text.encode())


def _place(path: Path) -> Path:
    return Path(os.path.realpath(path))
