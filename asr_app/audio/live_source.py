"""What a live source is, and the two that need no sound card: a file in real time, and standard input."""

import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from asr_app.audio.blocks import shown
from asr_app.audio.file import STANDARD_INPUT, open_audio
from asr_app.audio.pcm import PcmFormat
from asr_app.audio.types import AudioChunk, AudioSource
from asr_app.errors import AudioFormatError

CHUNK_S = 0.1
_BUFFER_S = 10.0


class LiveSource(AudioSource, Protocol):
    """A source that goes on until it is stopped; an empty chunk tells that the connection was lost."""

    @property
    def name(self) -> str:
        """What is heard, for a user."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether sound comes; False while a lost device is waited for."""
        ...

    @property
    def waiting_s(self) -> float:
        """Seconds that were captured and not yet iterated."""
        ...

    def stop(self) -> None:
        """Let the iteration end after what has been captured; from any thread."""
        ...


class RealTimeFile:
    """A recording as if it were spoken now; a LiveSource."""

    is_connected = True
    waiting_s = 0.0

    def __init__(self, path: str | Path, sample_rate: int = 16_000, pace: float = 1.0) -> None:
        """pace: seconds of sound in a second; what AudioFormatError open_audio raises is raised here."""
        self.name, self.sample_rate = shown(Path(path).name), sample_rate
        self._file = open_audio(path, sample_rate=sample_rate, chunk_s=CHUNK_S)
        self._pace = pace
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[AudioChunk]:
        started = time.monotonic()
        for chunk in self._file:
            spoken_s = (chunk.start_sample + len(chunk.samples)) / chunk.sample_rate
            if self._stopped.wait(max(0.0, started + spoken_s / self._pace - time.monotonic())):
                return
            yield chunk

    def stop(self) -> None:
        """Let the iteration end."""
        self._stopped.set()


class StandardInput:
    """Sound from a pipe, WAV or raw samples; a LiveSource that ends where the pipe does."""

    name = "standard input"
    is_connected = True

    def __init__(self, pcm: PcmFormat | None = None, sample_rate: int = 16_000, stream: BinaryIO | None = None) -> None:
        """stream: read instead of the process's own standard input."""
        self.sample_rate = sample_rate
        self._pcm, self._stream = pcm, stream
        self._chunks: queue.Queue[AudioChunk | Exception | None] = queue.Queue(round(_BUFFER_S / CHUNK_S))
        self._stopped = threading.Event()

    @property
    def waiting_s(self) -> float:
        """Seconds that were read and not yet iterated."""
        return self._chunks.qsize() * CHUNK_S

    def __enter__(self) -> Self:
        # A thread, since nobody can stop a read that waits; nobody waits for the thread, either.
        threading.Thread(target=self._read, args=(self._stream or _unbuffered(),), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __iter__(self) -> Iterator[AudioChunk]:
        while True:
            try:
                item = self._chunks.get(timeout=CHUNK_S)
            except queue.Empty:
                if self._stopped.is_set():
                    return
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def stop(self) -> None:
        """Let the iteration end after what has been read."""
        self._stopped.set()

    def _read(self, stream: BinaryIO) -> None:
        try:
            with open_audio(
                STANDARD_INPUT,
                sample_rate=self.sample_rate,
                chunk_s=CHUNK_S,
                pcm=self._pcm,
                standard_input=stream,
            ) as source:
                for chunk in source:
                    if not self._put(chunk):
                        return
            self._put(None)
        except Exception as error:  # noqa: BLE001  # it is raised where the chunks are taken
            self._put(error)

    def _put(self, item: AudioChunk | Exception | None) -> bool:
        """Hand an item over as soon as there is room; False when nobody wants it any more."""
        while not self._stopped.is_set():
            try:
                self._chunks.put(item, timeout=CHUNK_S)
            except queue.Full:
                continue
            return True
        return False


def _unbuffered() -> BinaryIO:
    """Standard input without Python's buffer, whose lock a waiting thread would hold when the process ends."""
    if sys.stdin is None or sys.stdin.isatty():
        raise AudioFormatError("standard input is a terminal: pipe a recording into it, or name a file")
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
