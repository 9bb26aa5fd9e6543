"""Names of files as text that can be stored and sent."""

import os


def as_text(name: str) -> str:
    """A name, with bytes that are no UTF-8 as \\xe9."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
