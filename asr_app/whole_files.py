"""Files that are written as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from asr_app.file_names import hidden_beside


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written, which then takes the place of another; of one that failed nothing stays. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = hidden_beside(path, f".{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
