"""Recordings as audio sources: any format, rate and channel count to mono chunks of one rate.

Everything is decoded, mixed and resampled in blocks of about a second: memory does not grow with the length.
"""

import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from asr_app.audio.blocks import Block, BlockReader, Part, between, shown
from asr_app.audio.pcm import PcmFormat, PcmReader, is_longer_than_stated
from asr_app.audio.resample import MAX_RATE, MIN_RATE, StreamingResampler
from asr_app.audio.types import AudioChunk, Samples
from asr_app.errors import AudioFormatError

logger = logging.getLogger(__name__)

STANDARD_INPUT = "-"
_LOUD = 2.0  # peaks of float recordings in excess of full scale that are no longer mere overshoot


class FileSource:
    """An AudioSource over one recording; made by open_audio, iterated once.

    sample_rate: Hz of every chunk.
    duration_s: seconds as the recording states them, None where it does not (pipes); for progress bars only.
    channels: as its header states.

    Chunks are of a part of the recording; their positions count from the start of the whole.

    Iteration raises AudioFormatError when the recording holds no sound, samples that are not numbers, or a
    sample rate that cannot be converted. What can be read of a damaged recording is given, with a warning
    in the log.
    """

    def __init__(
        self,
        reader: BlockReader,
        name: str,
        sample_rate: int,
        chunk_s: float,
        part: Part,
        stream: BinaryIO | None = None,
    ) -> None:
        self._reader, self._name, self._part, self._stream = reader, name, part, stream
        self._chunk = max(1, round(chunk_s * sample_rate))
        self._warned_of_clipping = False
        self.sample_rate = sample_rate
        self.duration_s, self.channels = reader.duration_s, reader.channels

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()
        if self._stream is not None:
            self._stream.close()

    def __iter__(self) -> Iterator[AudioChunk]:
        start = position = round(self._part.start_s * self.sample_rate)
        for samples in _rechunked(self._resampled(), self._chunk):
            yield AudioChunk(samples, self.sample_rate, position)
            position += len(samples)
        if position == start > 0:
            raise AudioFormatError(f"{self._name} has nothing behind {self._part.start_s:g} s: give an earlier start")
        if position == start:
            raise AudioFormatError(f"{self._name} holds no sound (0 samples): give a recording with speech")

    def _resampled(self) -> Iterator[Samples]:
        """Mono runs at sample_rate; a recording whose rate changes gets a new resampler at that place."""
        resampler: StreamingResampler | None = None
        before_s = self._part.start_s
        for block in between(self._reader, self._part.start_s, self._part.end_s):
            if resampler is None or resampler.source_rate != block.sample_rate:
                if resampler is not None:
                    yield np.clip(resampler.finish(), -1.0, 1.0)
                resampler = self._resampler(block.sample_rate)
            mono = self._mono(block, before_s)
            before_s += len(mono) / block.sample_rate
            yield np.clip(resampler.accept(mono), -1.0, 1.0)
        if resampler is not None:
            yield np.clip(resampler.finish(), -1.0, 1.0)

    def _resampler(self, rate: int) -> StreamingResampler:
        if not MIN_RATE <= rate <= MAX_RATE:
            raise AudioFormatError(
                f"{self._name} has a sample rate of {rate} Hz, outside {MIN_RATE} to {MAX_RATE} Hz: "
                "convert it to 16000 Hz, or get another copy if its header is damaged"
            )
        return StreamingResampler(rate, self.sample_rate)

    def _mono(self, block: Block, before_s: float) -> Samples:
        """One channel, or the mean of all, (n, channels) -> (n,), checked to be numbers and clipped to full scale."""
        samples = block.samples
        finite = np.isfinite(samples)
        if not finite.all():
            frame = int(np.argmin(finite.all(axis=1)))
            second = before_s + frame / block.sample_rate
            raise AudioFormatError(
                f"{self._name} holds samples that are not numbers (NaN or infinite), first at "
                f"{second:.3f} s: export the recording again"
            )
        peak = float(np.abs(samples).max(initial=0.0))
        if peak > _LOUD and not self._warned_of_clipping:
            self._warned_of_clipping = True
            logger.warning(
                "%s goes up to %.3g times full scale and is clipped: export it with samples from -1 to 1",
                self._name,
                peak,
            )
        channels, wanted = samples.shape[1], self._part.channel
        if wanted is not None and wanted > channels:
            raise AudioFormatError(f"{self._name} has no channel {wanted}: choose one of {channels}, or mix")
        clipped = np.clip(samples, -1.0, 1.0)
        if wanted or channels == 1:
            return clipped[:, (wanted or 1) - 1]
        return clipped @ np.full(channels, 1.0 / channels, np.float32)


def open_audio(
    path: str | Path,
    *,
    sample_rate: int = 16_000,
    chunk_s: float = 1.0,
    pcm: PcmFormat | None = None,
    part: Part | None = None,
    standard_input: BinaryIO | None = None,
) -> FileSource:
    """Open a recording by its content: WAV, FLAC, MP3, Ogg, AIFF, AU, M4A, MP4, WebM, Matroska, AAC, WMA, ...

    path: a file; a pipe; or "-", standard input. Pipes carry WAV, or raw samples of the format pcm.
    sample_rate: Hz of the chunks, MIN_RATE to MAX_RATE.
    chunk_s: seconds of each chunk but the last, which is shorter.
    part: what of the recording is heard, all of it by default.
    standard_input: read instead of the process's own, for "-".

    Raises AudioFormatError when it cannot be opened or is not audio; iteration may raise it, too.
    """
    if chunk_s <= 0:
        raise ValueError(f"a chunk cannot have {chunk_s} s: give a positive length")
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise ValueError(f"a sample rate of {sample_rate} Hz is outside {MIN_RATE} to {MAX_RATE} Hz")
    part = part or Part()
    if str(path) == STANDARD_INPUT:
        stdin = _standard_input() if standard_input is None else standard_input
        return FileSource(PcmReader(stdin, "standard input", pcm), "standard input", sample_rate, chunk_s, part)
    path, name = Path(path), shown(path)
    try:
        if _is_pipe(path, name) or is_longer_than_stated(path):
            return _open_stream(path, name, sample_rate, chunk_s, pcm, part)
        return FileSource(_open_reader(path), name, sample_rate, chunk_s, part)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise AudioFormatError(_cannot_open(name, error)) from error


def read_audio(path: str | Path, sample_rate: int = 16_000) -> Samples:
    """A whole short recording as mono float32 (n,) at sample_rate Hz; raises what open_audio raises."""
    with open_audio(path, sample_rate=sample_rate) as source:
        return np.concatenate([chunk.samples for chunk in source])


def _open_reader(path: Path) -> BlockReader:
    """The decoder that suits the content of a regular file."""
    from asr_app.audio.ffmpeg import FfmpegReader
    from asr_app.audio.sndfile import SndfileReader, suits_sndfile

    if suits_sndfile(path):
        import soundfile

        try:
            reader = SndfileReader(path)
        except soundfile.SoundFileError as error:
            logger.debug("libsndfile does not read %s (%s), trying FFmpeg", shown(path), error)
        else:
            return reader if reader.duration_s else _without_length(path, reader)
    return FfmpegReader(path)


def _without_length(path: Path, empty: BlockReader) -> BlockReader:
    """A decoder of a recording that states 0 samples: FFmpeg reads to the end what a killed recorder left."""
    from asr_app.audio.ffmpeg import FfmpegReader

    try:
        reader = FfmpegReader(path)
    except AudioFormatError:
        return empty
    empty.close()
    return reader


def _is_pipe(path: Path, name: str) -> bool:
    """Whether path is a pipe; raises AudioFormatError if it is neither that nor a file with content."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise AudioFormatError(f"{name} is a folder: name the recordings in it")
    if stat.S_ISFIFO(status.st_mode):
        return True
    if not stat.S_ISREG(status.st_mode):
        raise AudioFormatError(f"{name} is a device, not a file: record it to a file first")
    if status.st_size == 0:
        raise AudioFormatError(f"{name} is empty (0 bytes): record or copy it again")
    return False


def _open_stream(
    path: Path, name: str, sample_rate: int, chunk_s: float, pcm: PcmFormat | None, part: Part
) -> FileSource:
    stream = path.open("rb")
    try:
        reader = PcmReader(stream, name, pcm, path.stat().st_size)
        return FileSource(reader, name, sample_rate, chunk_s, part, stream)
    except AudioFormatError:
        stream.close()
        raise


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        raise AudioFormatError("standard input is a terminal: pipe a recording into it, or name a file")
    return sys.stdin.buffer


def _cannot_open(name: str, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return f"{name} does not exist: check its name and folder"
        case PermissionError():
            return f"{name} may not be read by this user: change its permissions"
        case OSError():
            return f"{name} cannot be read ({error.strerror or error}): check the file and its disk"
        case _:
            return f"{name} is not a possible file name: check it"


def _rechunked(runs: Iterator[Samples], size: int) -> Iterator[Samples]:
    """Cut and join runs of any length to runs of size samples, the last one shorter."""
    held = np.zeros(0, np.float32)
    for run in runs:
        held = np.concatenate((held, run)) if len(held) else run
        whole = len(held) - len(held) % size
        for start in range(0, whole, size):
            yield held[start : start + size]
        held = held[whole:]
    if len(held):
        yield held


__all__ = ["STANDARD_INPUT", "FileSource", "Part", "PcmFormat", "open_audio", "read_audio"]
