"""A client's live stream: samples in the client's own form, as they come over a socket, cut anywhere."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from asr_app.audio.pcm import from_s16le
from asr_app.audio.resample import MAX_RATE, MIN_RATE, StreamingResampler
from asr_app.audio.types import AudioChunk, Samples
from asr_app.audio.voice_activity import VoiceActivityOptions
from asr_app.daemon.streams import Streams
from asr_app.engine.stream import Listener
from asr_app.errors import ProtocolError

_POLL_S = 0.05
"""How often a client whose sound waits is looked after; a thread for each would be too many."""


@dataclass(frozen=True, slots=True)
class SampleForm:
    """Of mono samples. rate: Hz; size: bytes of a sample; decode: gives them as float32 in [-1, 1]."""

    rate: int
    size: int = 2
    decode: Callable[[bytes], Samples] = from_s16le


class ClientStream:
    """For the event loop's thread."""

    def __init__(
        self, streams: Streams, listener: Listener, form: SampleForm, voice: VoiceActivityOptions | None = None
    ) -> None:
        """voice: see Streams.open. EngineError where the engine takes no more streams."""
        self._form, self._rate = form, streams.recognizer.sample_rate
        self._resampler = StreamingResampler(form.rate, self._rate)
        self._stream = streams.open(listener, voice)
        self._received = self._position = 0
        self._odd = b""

    @property
    def seconds(self) -> float:
        """How much was accepted."""
        return self._received / self._form.rate

    async def accept(self, data: bytes) -> None:
        """Take samples; waits while the stream's queue is full."""
        data = self._odd + data
        whole = len(data) - len(data) % self._form.size
        self._odd = data[whole:]
        samples, rate = self._form.decode(data[:whole]), self._form.rate
        for start in range(0, len(samples), rate):  # a second each: the queue is bounded in seconds
            piece = samples[start : start + rate]
            self._received += len(piece)
            await self._push(self._resampler.accept(piece))

    async def finish(self) -> None:
        """No more samples come: the last words follow."""
        await self._push(self._resampler.finish())
        self._stream.finish()

    def cancel(self) -> None:
        """Drop the stream, where it is not at its end."""
        self._stream.cancel()

    async def _push(self, samples: Samples) -> None:
        if not len(samples):
            return
        chunk = AudioChunk(np.clip(samples, -1.0, 1.0), self._rate, self._position)
        while not self._stream.accept(chunk):
            await asyncio.sleep(_POLL_S)
        self._position += len(samples)


def checked_rate(rate: object) -> int:
    """A sample rate as a client states it, in Hz; ProtocolError where it cannot be heard."""
    if isinstance(rate, int | float) and MIN_RATE <= rate <= MAX_RATE and rate == int(rate):
        return int(rate)
    raise ProtocolError(f"a sample rate of {str(rate)[:20]}: send {MIN_RATE} to {MAX_RATE} Hz, a whole number")
