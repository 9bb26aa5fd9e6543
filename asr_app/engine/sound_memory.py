"""The sound of a live stream that may be heard once more: the speech of segments that are not yet final."""

import threading
from collections import deque

import numpy as np

from asr_app.audio.types import AudioChunk
from asr_app.files.segments import Speech

KEPT_S = 90.0
"""The most that is remembered: the longest segment (EndpointRules.limit_s), and what a busy engine is behind."""


class SoundMemory:
    """Written by whoever hears the stream, and read by whoever hears it again; from any thread."""

    def __init__(self) -> None:
        self._chunks: deque[AudioChunk] = deque()
        self._lock = threading.Lock()

    def accept(self, chunk: AudioChunk) -> None:
        """Remember a chunk."""
        with self._lock:
            self._chunks.append(chunk)
            self._forget(chunk.start_sample - KEPT_S * chunk.sample_rate)

    def forget(self, before_s: float) -> None:
        """Nothing before this time, in seconds from the stream's start, will be asked for."""
        with self._lock:
            if self._chunks:
                self._forget(before_s * self._chunks[0].sample_rate)

    def between(self, start_s: float, end_s: float) -> Speech:
        """What was heard between two times, in seconds from the stream's start; what was lost is silence."""
        with self._lock:
            chunks = tuple(self._chunks)
        rate = chunks[0].sample_rate if chunks else 1
        first = max(round(start_s * rate), chunks[0].start_sample if chunks else 0)
        last = min(round(end_s * rate), _end(chunks[-1]) if chunks else 0)
        samples = np.zeros(max(0, last - first), np.float32)
        for chunk in chunks:
            at = chunk.start_sample - first
            begin, end = max(0, -at), min(len(chunk.samples), len(samples) - at)
            if begin < end:
                samples[at + begin : at + end] = chunk.samples[begin:end]
        return Speech(first, samples)

    def _forget(self, before: float) -> None:
        while self._chunks and _end(self._chunks[0]) <= before:
            self._chunks.popleft()


def _end(chunk: AudioChunk) -> int:
    return chunk.start_sample + len(chunk.samples)
