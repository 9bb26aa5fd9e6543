"""Uncompressed audio from a pipe: WAV, or raw samples whose format the caller states."""

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from asr_app.audio.blocks import Block, block_frames, cut_short
from asr_app.audio.types import Samples
from asr_app.errors import AudioFormatError, ConfigError

logger = logging.getLogger(__name__)

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # wFormatTag of WAVE
_UNKNOWN_SIZE = 0x7FFF0000  # writers to a pipe state 0, or about 2 or 4 GB
_WRAP = 1 << 32  # sizes have 32 bits: those of longer files are short by a multiple of it
_SKIP = 1 << 16

_Encoding = Literal["u8", "s16le", "s24le", "s32le", "f32le", "f64le"]
_BYTES: dict[_Encoding, int] = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}
_WAV_ENCODINGS: dict[tuple[int, int], _Encoding] = {
    (_PCM, 8): "u8",
    (_PCM, 16): "s16le",
    (_PCM, 24): "s24le",
    (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le",
    (_FLOAT, 64): "f64le",
}


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """The form of raw samples (interleaved channels, no header).

    encoding: s16le (16-bit signed) or f32le (32-bit float, full scale 1), both little-endian.
    sample_rate: Hz.
    channels: at least 1.

    Raises ConfigError for any other value.
    """

    encoding: str = "s16le"
    sample_rate: int = 16_000
    channels: int = 1

    def __post_init__(self) -> None:
        if self.encoding not in ("s16le", "f32le"):
            raise ConfigError(f"raw audio cannot be {self.encoding!r}: choose s16le or f32le")
        if self.sample_rate < 1:
            raise ConfigError(f"raw audio cannot have {self.sample_rate} Hz: give its true sample rate")
        if not 1 <= self.channels <= 1024:
            raise ConfigError(f"raw audio cannot have {self.channels} channels: choose 1 to 1024")


@dataclass(frozen=True, slots=True)
class _Layout:
    """The form of the samples that follow, and how many bytes of them (None: to the end)."""

    encoding: _Encoding
    sample_rate: int
    channels: int
    size: int | None = None

    @property
    def frame_bytes(self) -> int:
        return _BYTES[self.encoding] * self.channels


class PcmReader:
    """Decodes a pipe as it arrives; raises AudioFormatError if it is neither WAV nor of a stated format.

    A WAV header is recognised and goes before raw.
    """

    def __init__(self, stream: BinaryIO, name: str, raw: PcmFormat | None, length: int = 0) -> None:
        """length: of the stream, bytes, where it is a file."""
        self._stream, self._name, self._length = stream, name, length
        self._pushed_back = b""
        magic = self._read(12)
        if not magic:
            raise AudioFormatError(f"{name} is empty: pipe a recording into it")
        if magic[:4] == b"RIFF" or magic[:4] == b"RF64":
            self._layout = self._wav_layout()
        elif raw is not None:
            encoding: _Encoding = "f32le" if raw.encoding == "f32le" else "s16le"
            self._layout = _Layout(encoding, raw.sample_rate, raw.channels)
            self._pushed_back = magic
        else:
            raise AudioFormatError(
                f"{name} is not WAV: pipe WAV, or state the encoding, sample rate and channels of raw samples"
            )

    @property
    def duration_s(self) -> float | None:
        """Length in seconds as the WAV header states it, else None."""
        size = self._layout.size
        return None if size is None else size / self._layout.frame_bytes / self._layout.sample_rate

    @property
    def channels(self) -> int:
        """As the WAV header, or the format of raw samples, states."""
        return self._layout.channels

    def __iter__(self) -> Iterator[Block]:
        layout = self._layout
        want = block_frames(layout.sample_rate, layout.channels) * layout.frame_bytes
        held, got = b"", 0
        while layout.size is None or got < layout.size:
            data = self._available(want if layout.size is None else min(want, layout.size - got))
            if not data:
                break
            got += len(data)
            held += data
            whole = len(held) - len(held) % layout.frame_bytes
            if whole:
                samples = _as_float(held[:whole], layout.encoding).reshape(-1, layout.channels)
                yield Block(samples, layout.sample_rate)
            held = held[whole:]
        if layout.size is not None and got < layout.size:
            seconds = got / layout.frame_bytes / layout.sample_rate
            logger.warning("%s", cut_short(self._name, seconds, self.duration_s))

    def close(self) -> None:
        """Nothing to release: the stream is the caller's."""

    def _available(self, count: int) -> bytes:
        """What is there of count bytes, at least one; a live pipe is not waited for longer than needed."""
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back[:count], self._pushed_back[count:]
            return data
        read = getattr(self._stream, "read1", self._stream.read)
        try:
            return bytes(read(count) or b"")
        except OSError as error:
            reason = error.strerror or str(error)
            raise AudioFormatError(f"{self._name} cannot be read on ({reason}): pipe it again") from error

    def _read(self, count: int) -> bytes:
        """Exactly count bytes, fewer at the end."""
        data = b""
        while len(data) < count and (more := self._available(count - len(data))):
            data += more
        return data

    def _skip(self, count: int) -> None:
        while count > 0 and (skipped := len(self._available(min(count, _SKIP)))):
            count -= skipped

    def _wav_layout(self) -> _Layout:
        """Read the chunks up to the samples (RIFF/WAVE, Microsoft's Multimedia Programming Interface 1.0)."""
        layout: _Layout | None = None
        while len(header := self._read(8)) == 8:
            kind, size = struct.unpack("<4sI", header)
            if kind == b"data" and layout is not None:
                whole = size + max(0, self._length - size) // _WRAP * _WRAP if 0 < size < _UNKNOWN_SIZE else None
                return _Layout(layout.encoding, layout.sample_rate, layout.channels, whole)
            if kind == b"fmt " and 16 <= size <= _SKIP:
                layout = self._wav_format(self._read(size))
                self._skip(size % 2)
            else:
                self._skip(size + size % 2)
        raise AudioFormatError(f"{self._name} has a damaged WAV header: pipe a complete WAV stream")

    def _wav_format(self, chunk: bytes) -> _Layout:
        if len(chunk) < 16:
            raise AudioFormatError(f"{self._name} has a damaged WAV header: pipe a complete WAV stream")
        tag, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", chunk)
        if tag == _EXTENSIBLE and len(chunk) >= 26:
            (tag,) = struct.unpack_from("<H", chunk, 24)  # the first field of the sub-format's GUID
        encoding = _WAV_ENCODINGS.get((tag, bits))
        if encoding is None:
            raise AudioFormatError(
                f"{self._name} is WAV of an unknown kind (tag {tag}, {bits} bits): pipe 16-bit or float WAV"
            )
        if not (rate and channels and align == channels * _BYTES[encoding]):
            raise AudioFormatError(
                f"{self._name} has a damaged WAV header ({rate} Hz, {channels} channels, {align} bytes a "
                "frame): pipe a complete WAV stream"
            )
        return _Layout(encoding, rate, channels)


def is_longer_than_stated(path: Path) -> bool:
    """Whether a file is WAV of more than 4 GiB, which its header cannot state: other decoders stop too early."""
    with path.open("rb") as file:
        return file.read(4) == b"RIFF" and path.stat().st_size > _WRAP


def from_s16le(data: bytes) -> Samples:
    """Whole samples of 16 bits, little-endian, as float32 in [-1, 1]."""
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768.0


def _as_float(data: bytes, encoding: _Encoding) -> Samples:
    """Samples (n,) as float32, full scale 1."""
    match encoding:
        case "u8":
            return (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
        case "s16le":
            return from_s16le(data)
        case "s24le":
            padded = np.zeros((len(data) // 3, 4), np.uint8)  # the upper three bytes of 32-bit samples
            padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return (padded.view("<i4")[:, 0] / 2.0**31).astype(np.float32)
        case "s32le":
            return (np.frombuffer(data, "<i4") / 2.0**31).astype(np.float32)
        case "f32le":
            return np.frombuffer(data, "<f4").astype(np.float32)
        case "f64le":
            with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, and is reported as such
                return np.frombuffer(data, "<f8").astype(np.float32)
