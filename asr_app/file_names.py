"""Names of files: as text that can be stored and sent, and of hidden ones beside others."""

import hashlib
import os
from pathlib import Path

_LONGEST_NAME = 255


def as_text(name: str) -> str:
    """A name, with bytes that are no UTF-8 as \\xe9."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def hidden_beside(path: Path, ending: str) -> Path:
    """A hidden file beside another, which fits where that fits: by its name, or a hash of it where that is long."""
    name = f".{path.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{ending}"
    return path.with_name(name)
