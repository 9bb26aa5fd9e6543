"""What a command says when something goes wrong: one line on standard error."""

import os
import sys
from pathlib import Path

from asr_app.errors import OutputError

INTERNAL_ERROR = 70
"""Exit code of a bug: EX_SOFTWARE of sysexits.h."""


def complain(message: object) -> None:
    """Write a message as one line, whatever line breaks it has."""
    sys.stderr.write("asr: " + " ".join(str(message).splitlines()) + "\n")
    sys.stderr.flush()


def explained(error: Exception) -> str:
    """An error of the system or of a library as what is wrong and what to do."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror}: check the name, the permissions and the space on the disk"


def check_output(path: Path) -> None:
    """OutputError where a file or folder can never be written: better before hours of work than after."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    if place != path and not place.is_dir():
        raise OutputError(f"{path} cannot be written, {place} is not a folder: choose another place")
    if not os.access(place, os.W_OK):
        raise OutputError(f"{path} may not be written by this user: choose another place")


def check_output_file(path: Path) -> None:
    """OutputError where a file can never be written."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder: name a file in it")
    check_output(path)
