"""Errors of files whose content is wrong, with their names."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from lzma import LZMAError
from pathlib import Path

_DAMAGES = (ValueError, LookupError, TypeError, EOFError, BadGzipFile, LZMAError, zlib.error)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What goes wrong with a file's content becomes a ValueError that names the file."""
    try:
        yield
    except _DAMAGES as error:
        raise ValueError(f"{path} is damaged or of another kind: {error!r}") from error
