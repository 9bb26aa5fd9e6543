"""A client's stream of the engine: 16-bit samples as they come over a socket."""

import asyncio

import numpy as np

from asr_app.audio.resample import MAX_RATE, MIN_RATE
from asr_app.audio.types import AudioChunk
from asr_app.engine import Engine
from asr_app.engine_stream import Listener, StreamSession
from asr_app.errors import ProtocolError

_POLL_S = 0.05
"""How often a client whose sound waits is looked after; a thread for each would be too many."""


class ClientStream:
    """A live stream, for the event loop's thread."""

    def __init__(
        self, engine: Engine, listener: Listener, sample_rate: int, session: StreamSession | None = None
    ) -> None:
        """sample_rate: Hz. session: see Engine.open. EngineError where the engine takes no more streams."""
        self.sample_rate = sample_rate
        self._stream = engine.open(listener, session=session)
        self._position = 0
        self._odd = b""

    @property
    def seconds(self) -> float:
        """How much was accepted."""
        return self._position / self.sample_rate

    async def accept(self, data: bytes) -> None:
        """Take samples (s16le, mono), cut anywhere; waits while the stream's queue is full."""
        data = self._odd + data
        whole = len(data) - len(data) % 2
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / 32768.0
        for at in range(0, len(samples), self.sample_rate):  # a second each: the queue is bounded in seconds
            piece = samples[at : at + self.sample_rate]
            chunk = AudioChunk(piece, self.sample_rate, self._position)
            while not self._stream.accept(chunk):
                await asyncio.sleep(_POLL_S)
            self._position += len(piece)

    def finish(self) -> None:
        """No more samples come: the last words follow."""
        self._stream.finish()

    def cancel(self) -> None:
        """Drop the stream, where it is not at its end."""
        self._stream.cancel()


def checked_rate(rate: object) -> int:
    """A sample rate as a client states it, in Hz; ProtocolError where it cannot be heard."""
    if isinstance(rate, int | float) and MIN_RATE <= rate <= MAX_RATE and rate == int(rate):
        return int(rate)
    raise ProtocolError(f"a sample rate of {str(rate)[:20]}: send {MIN_RATE} to {MAX_RATE} Hz, a whole number")
