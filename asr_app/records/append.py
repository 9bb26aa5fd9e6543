"""Appending lines to a file that a crash or a full disk must not spoil."""

import errno
import os
from typing import BinaryIO


def append_line(file: BinaryIO, line: str) -> None:
    """Write a line to a file that is open for appending, without a buffer: whole, or OSError and none of it.

    A disk that is nearly full takes a part of it without an error, and the next line would be glued to that.
    """
    data = f"{line}\n".encode()
    written = file.write(data)
    if written < len(data):
        file.truncate(file.tell() - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
