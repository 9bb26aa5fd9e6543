"""One file from a server to the disk: resumed where it broke off, and whole and right or not there at all.

What has come is kept beside the file (NAME.part) with the server's mark of its version (NAME.etag): the rest is asked
for only if the server still has that version (RFC 9110, 13.1.5, If-Range).
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from asr_app.errors import OutputError
from asr_app.library.https import BrokenError, DownloadError, UnreachableError, UnsatisfiableError, request
from asr_app.library.registry import FileFacts

Progress = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes that are here, and how many there will be, None where nobody says."""

ATTEMPTS = 5
"""That bring nothing new, one after the other."""
PAUSE_S = 1.0
"""Before the second attempt; doubled before each further one."""
LARGEST_FILE = 20_000_000_000
"""Bytes of a file of which nobody says how large it is."""
_SPARE_BYTES = 100_000_000
"""What is left free on the disk."""
_BLOCK = 1 << 16


def download(url: str, path: Path, facts: FileFacts, progress: Progress, token: str = "") -> str:
    """Fetch a file, or what is missing of it; its SHA-256.

    Raises DownloadError, whose line says why not, and OutputError where the disk is full. What has come stays for the
    next time, except for a file that is not the expected one.
    """
    partial = path.with_name(f"{path.name}.part")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch_patiently(url, partial, facts, progress, token)
        partial.replace(path)
        _mark(partial).unlink(missing_ok=True)
    try:
        return check_file(path, facts, url)
    except DownloadError:
        path.unlink()
        raise


def check_file(path: Path, facts: FileFacts, source: str) -> str:
    """The SHA-256 of a file; DownloadError where it is not the one that is known."""
    size = path.stat().st_size
    if facts.bytes not in (None, size):
        raise DownloadError(f"{source} has {size} bytes instead of {facts.bytes}: try again, or choose another source")
    digest = file_sha256(path)
    if facts.sha256 not in (None, digest):
        raise DownloadError(
            f"{source} is not the file that is known (SHA-256 {digest} instead of {facts.sha256}): "
            "try again, or choose another source"
        )
    return digest


def check_space(folder: Path, wanted: int) -> None:
    """OutputError where so many bytes do not fit on the disk."""
    free = shutil.disk_usage(folder).free
    if wanted + _SPARE_BYTES > free:
        raise OutputError(f"{folder} needs {wanted / 1e6:.0f} MB and has {free / 1e6:.0f} MB: make room on the disk")


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, as models.checkpoint has it, without torch."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch_patiently(url: str, partial: Path, facts: FileFacts, progress: Progress, token: str) -> None:
    """Try again where the connection breaks, until that brings nothing new."""
    most, failures = 0, 0
    while True:
        try:
            return _fetch(url, partial, facts, progress, token)
        except (BrokenError, UnreachableError) as error:
            if isinstance(error, UnreachableError) and not failures:  # there was no network from the beginning
                raise
            here = partial.stat().st_size if partial.is_file() else 0
            failures = 1 if here > most else failures + 1
            most = max(most, here)
            if failures == ATTEMPTS:
                raise
            if isinstance(error, UnsatisfiableError):
                partial.unlink(missing_ok=True)
        time.sleep(PAUSE_S * 2 ** (failures - 1))


def _fetch(url: str, partial: Path, facts: FileFacts, progress: Progress, token: str) -> None:
    """Append what is missing; BrokenError where it ends too early."""
    here, mark = _left_over(partial)
    if here and here == facts.bytes:  # stopped between the last byte and the file's name; check_file looks at it
        return
    headers = {"Range": f"bytes={here}-", "If-Range": mark} if here else {}
    with request(url, headers, token) as answer:
        start, total = _extent(answer, url, here)
        largest = LARGEST_FILE if facts.bytes is None else facts.bytes
        if (total or 0) > largest or (total is not None and facts.bytes not in (None, total)):
            raise DownloadError(f"{url} is said to have {total} bytes instead of {largest}: choose another source")
        check_space(partial.parent, (total or 0) - start)
        if not start:
            _remember(partial, answer)
        with partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            size = start
            while block := _read(answer, url):
                size += len(block)
                if size > largest:
                    raise DownloadError(f"{url} is longer than {largest} bytes: choose another source")
                file.write(block)
                progress(partial.stem, size, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and size < total:
        raise BrokenError(f"{url} broke off after {size} of {total} bytes: try again")


def _read(answer: HTTPResponse, url: str) -> bytes:
    try:
        return answer.read1(_BLOCK)
    except (OSError, HTTPException) as error:
        raise BrokenError(f"{url}: the connection broke ({error or type(error).__name__}): try again") from error


def _extent(answer: HTTPResponse, url: str, here: int) -> tuple[int, int | None]:
    """Where in the file an answer begins, and how long the file is."""
    if answer.status != 206:
        length = answer.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if not match or int(match[1]) != here:
        raise UnsatisfiableError(f"{url}: the server sends another part than was asked for: try again")
    return here, None if match[2] == "*" else int(match[2])


def _mark(partial: Path) -> Path:
    return partial.with_suffix(".etag")


def _left_over(partial: Path) -> tuple[int, str]:
    """How many bytes are here of which version; none where the version is not known."""
    mark = _mark(partial)
    if not partial.is_file() or not mark.is_file():
        return 0, ""
    return partial.stat().st_size, mark.read_text(encoding="utf-8")


def _remember(partial: Path, answer: HTTPResponse) -> None:
    """Keep the mark of the version that comes now; only a strong one says that bytes are the same."""
    etag = answer.headers.get("ETag", "")
    mark = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
    partial.unlink(missing_ok=True)
    if mark.isprintable() and mark:
        _mark(partial).write_text(mark, encoding="utf-8")
    else:
        _mark(partial).unlink(missing_ok=True)
