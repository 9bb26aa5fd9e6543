"""A request with a recording: fields and one file of multipart/form-data, written as it arrives.

Nothing in it names a path: the recording goes to a file of ours, in a folder that only we enter.
"""

import asyncio
import contextlib
import logging
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.requests import Request

from asr_app.daemon.limits import Limits
from asr_app.daemon.openai_errors import ApiError

_FIELDS, _FIELD_BYTES = 64, 65_536
_HEADERS_BYTES = 8_192
_LINGER_S = 2.0

logger = logging.getLogger(__name__)
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # what strangers send is no error of the daemon


class Upload:
    """What a request held. fields: the values of each name, in order; recording: the file, None where there is none."""

    def __init__(self, folder: Path) -> None:
        self.fields: dict[str, list[str]] = defaultdict(list)
        self.recording: Path | None = None
        self._folder = folder
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text: bytearray | None = None  # of the field in progress; None for the recording
        self._count = 0
        self.is_whole = False

    def part_begin(self) -> None:
        """A field or file begins."""
        self._count += 1
        if self._count > _FIELDS:
            raise ApiError(400, f"more than {_FIELDS} fields: send fewer")
        self._header, self._value, self._headers = b"", b"", {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's name."""
        self._header += data[start:end]
        self._bound_headers()

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """A piece of its value."""
        self._value += data[start:end]
        self._bound_headers()

    def header_end(self) -> None:
        """The end of a header."""
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def headers_finished(self) -> None:
        """What follows is the content."""
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" not in options:
            self._text = bytearray()
            return
        if self._name != "file" or self.recording:
            raise ApiError(400, "one recording is to be sent, as the field 'file'", "file")
        self._text = None
        self.recording = self._folder / "recording"
        self._file = self.recording.open("xb")

    def part_data(self, data: bytes, start: int, end: int) -> None:
        """A piece of the content."""
        if self._text is None:
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD_BYTES:
            raise ApiError(413, f"a field is longer than {_FIELD_BYTES} bytes: send less", self._name[:64])

    def part_end(self) -> None:
        """A field or file is complete."""
        if self._text is None:
            self._file.close()
        else:
            self.fields[self._name.removesuffix("[]")].append(self._text.decode(errors="replace"))

    def end(self) -> None:
        """The last boundary came."""
        self.is_whole = True

    def close(self) -> None:
        """Let go of the file."""
        if self.recording:
            self._file.close()

    def _bound_headers(self) -> None:
        if len(self._header) + len(self._value) > _HEADERS_BYTES or len(self._headers) > _FIELDS:
            raise ApiError(400, "the headers of a field are too long: send a name alone")


@contextlib.asynccontextmanager
async def receive_upload(request: Request, limits: Limits) -> AsyncIterator[Upload]:
    """What a request holds; its recording is gone at the exit.

    ApiError where it is no upload, too large or too slow, or where the disk has no room for it.
    """
    body = request.stream()
    with contextlib.ExitStack() as disk:
        try:
            folder = Path(disk.enter_context(tempfile.TemporaryDirectory(prefix="asr-")))  # of mode 0700
            upload = await _received(request.headers, body, folder, limits)
        except ApiError:
            await _linger(body)
            raise
        except OSError as error:
            await _linger(body)
            logger.warning("a recording cannot be kept: %s", error)
            reason = "the daemon has no room for the recording: free disk space there, its log says where"
            raise ApiError(507, reason) from error
        yield upload


async def _received(headers: Headers, body: AsyncIterator[bytes], folder: Path, limits: Limits) -> Upload:
    kind, options = parse_options_header(headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ApiError(415, "send multipart/form-data with the recording as the field 'file'")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.upload_bytes:
        raise _too_large(limits)
    upload = Upload(folder)
    try:
        async with asyncio.timeout(limits.upload_s):
            await _parse(upload, boundary, body, limits)
    except TimeoutError as error:
        raise ApiError(408, "the recording took too long to arrive: send a smaller one") from error
    except FormParserError as error:
        raise ApiError(400, f"this is no multipart/form-data: {error}") from error
    finally:
        upload.close()
    if not upload.is_whole:
        raise ApiError(400, "the request ends too early: send all of it")
    return upload


async def _linger(body: AsyncIterator[bytes]) -> None:
    """Read on for a moment: a client that is still sending would see a reset instead of the refusal."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            async for _ in body:
                pass


async def _parse(upload: Upload, boundary: bytes, body: AsyncIterator[bytes], limits: Limits) -> None:
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": upload.part_begin,
            "on_part_data": upload.part_data,
            "on_part_end": upload.part_end,
            "on_header_field": upload.header_field,
            "on_header_value": upload.header_value,
            "on_header_end": upload.header_end,
            "on_headers_finished": upload.headers_finished,
            "on_end": upload.end,
        },
    )
    received, pieces = 0, aiter(body)
    while True:
        async with asyncio.timeout(limits.idle_s):
            piece = await anext(pieces, None)
        if piece is None:
            break
        received += len(piece)
        if received > limits.upload_bytes:
            raise _too_large(limits)
        parser.write(piece)


def _too_large(limits: Limits) -> ApiError:
    return ApiError(413, f"the recording has more than {limits.upload_bytes} bytes: send it in parts", "file")
