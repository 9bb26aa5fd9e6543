"""The sound of a live stream that may be heard once more: the speech of segments that are not yet final.

It is kept in 16 bits, as microphones and clients send it: half the room of float32, in a daemon with many streams.
"""

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asr_app.audio.types import AudioChunk
from asr_app.files.segments import Speech

KEPT_S = 90.0
"""The most that is remembered: the longest segment (EndpointRules.limit_s), and what a busy engine is behind."""


_FULL_SCALE = 32767.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """Samples (n,) of a rate in Hz, the first of them at a place in the stream."""

    samples: npt.NDArray[np.int16]
    rate: int
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.samples)


class SoundMemory:
    """Written by whoever hears the stream, and read by whoever hears it again; from any thread."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()
        self._lock = threading.Lock()

    def accept(self, chunk: AudioChunk) -> None:
        """Remember a chunk."""
        samples = np.rint(chunk.samples * _FULL_SCALE).astype(np.int16)
        with self._lock:
            self._pieces.append(_Piece(samples, chunk.sample_rate, chunk.start_sample))
            self._forget(chunk.start_sample - KEPT_S * chunk.sample_rate)

    def forget(self, before_s: float) -> None:
        """Nothing before this time, in seconds from the stream's start, will be asked for."""
        with self._lock:
            if self._pieces:
                self._forget(before_s * self._pieces[0].rate)

    def between(self, start_s: float, end_s: float) -> Speech:
        """What was heard between two times, in seconds from the stream's start; what was lost is silence."""
        with self._lock:
            pieces = tuple(self._pieces)
        rate = pieces[0].rate if pieces else 1
        first = max(round(start_s * rate), pieces[0].start if pieces else 0)
        last = min(round(end_s * rate), pieces[-1].end if pieces else 0)
        samples = np.zeros(max(0, last - first), np.float32)
        for piece in pieces:
            at = piece.start - first
            begin, end = max(0, -at), min(len(piece.samples), len(samples) - at)
            if begin < end:
                samples[at + begin : at + end] = piece.samples[begin:end] / np.float32(_FULL_SCALE)
        return Speech(first, samples)

    def _forget(self, before: float) -> None:
        while self._pieces and self._pieces[0].end <= before:
            self._pieces.popleft()
