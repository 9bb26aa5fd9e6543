"""A turn of a realtime client: sound until a commit, as a stream of the engine, and what is told of it."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from asr_app.audio.resample import StreamingResampler
from asr_app.audio.types import AudioChunk, Samples
from asr_app.daemon.deltas import Deltas
from asr_app.daemon.openai_formats import usage
from asr_app.daemon.openai_realtime_session import SessionOptions
from asr_app.daemon.outbox import Outbox
from asr_app.engine import Engine
from asr_app.engine_gate import GatedSession
from asr_app.errors import AsrError
from asr_app.events import Event, Failed, Final, SpeechEnded, SpeechStarted, Transcript
from asr_app.recognizer import Recognizer

logger = logging.getLogger(__name__)

Tell = Callable[[dict[str, Any]], Awaitable[None]]

_POLL_S = 0.05


class Turn:
    """For the event loop's thread. Each run of speech is an item where turns are detected, else all of it is."""

    def __init__(
        self,
        stream: tuple[Engine, Recognizer],
        options: SessionOptions,
        start_s: float,
        tell: Tell,
        backlog: int,
    ) -> None:
        """start_s: of the turn in the session's sound. EngineError where the engine takes no more streams."""
        engine, recognizer = stream
        self._outbox, self._tell_client, self._start_s = Outbox(backlog), tell, start_s
        session = GatedSession(recognizer, options.voice) if options.voice else recognizer.session()
        self._stream = engine.open(self._outbox, session=session)
        self._format, self._rate = options.format, recognizer.sample_rate
        self._resampler = StreamingResampler(self._format.rate, self._rate)
        self._position, self._odd, self.seconds = 0, b"", 0.0
        self._whole = None if options.voice else _Item(start_s)
        self._item = self._whole
        self._telling = asyncio.create_task(self._tell())

    async def accept(self, data: bytes) -> bool:
        """Take samples in the client's form, cut anywhere; waits for room; False where the turn has failed."""
        data = self._odd + data
        whole = len(data) - len(data) % self._format.size
        self._odd = data[whole:]
        samples, rate = self._format.decode(data[:whole]), self._format.rate
        for start in range(0, len(samples), rate):  # a second each: the queue is bounded in seconds
            piece = samples[start : start + rate]
            self.seconds += len(piece) / rate
            await self._push(self._resampler.accept(piece))
        return not self._telling.done()

    async def finish(self) -> None:
        """No more sound comes; the last words follow."""
        await self._push(self._resampler.finish())
        self._stream.finish()
        if self._whole:
            await self._committed(self._whole)

    async def told(self) -> None:
        """Wait until everything was told."""
        await asyncio.wait([self._telling])

    async def cancel(self) -> None:
        """Drop what was not told."""
        self._stream.cancel()
        self._telling.cancel()
        await asyncio.gather(self._telling, return_exceptions=True)

    async def _push(self, samples: Samples) -> None:
        if not len(samples):
            return
        chunk = AudioChunk(np.clip(samples, -1.0, 1.0), self._rate, self._position)
        while not self._stream.accept(chunk):
            await asyncio.sleep(_POLL_S)
        self._position += len(samples)

    async def _tell(self) -> None:
        try:
            async for event in self._outbox:
                await self._tell_event(event)
            if self._whole:
                await self._completed(self._whole)
        except AsrError as error:
            await self._failed(str(error))

    async def _tell_event(self, event: Event) -> None:
        if isinstance(event, SpeechStarted):
            self._item = _Item(self._start_s + event.time_s)
            await self._buffer("speech_started", self._item, audio_start_ms=self._ms(event.time_s))
        elif isinstance(event, SpeechEnded) and self._item:
            item, self._item = self._item, None
            await self._buffer("speech_stopped", item, audio_end_ms=self._ms(event.time_s))
            item.end_s = self._start_s + event.time_s
            await self._committed(item)
            await self._completed(item)
        elif isinstance(event, Transcript) and self._item:
            if delta := self._item.take(event):
                await self._transcription("delta", self._item, delta=delta)
        elif isinstance(event, Failed):
            raise AsrError(event.message)

    def _ms(self, time_s: float) -> int:
        return round(1000 * (self._start_s + time_s))

    async def _buffer(self, what: str, item: "_Item", **fields: Any) -> None:
        await self._tell_client({"type": f"input_audio_buffer.{what}", "item_id": item.id, **fields})

    async def _committed(self, item: "_Item") -> None:
        await self._buffer("committed", item)

    async def _completed(self, item: "_Item") -> None:
        seconds = (item.end_s or self._start_s + self.seconds) - item.start_s
        await self._transcription("completed", item, transcript=item.text, usage=usage(seconds))

    async def _failed(self, message: str) -> None:
        item = self._item or _Item(self._start_s)
        error = {"type": "server_error", "code": None, "message": message, "param": None}
        await self._transcription("failed", item, error=error)

    async def _transcription(self, what: str, item: "_Item", **fields: Any) -> None:
        kind = f"conversation.item.input_audio_transcription.{what}"
        await self._tell_client({"type": kind, "item_id": item.id, "content_index": 0, **fields})


class _Item:
    """What was said in one go. start_s, end_s: in the session's sound."""

    def __init__(self, start_s: float) -> None:
        self.id, self.start_s, self.end_s = f"item_{uuid.uuid4().hex}", start_s, 0.0
        self._deltas, self._texts = Deltas(), list[str]()

    @property
    def text(self) -> str:
        """All of it that is final."""
        return " ".join(self._texts)

    def take(self, event: Transcript) -> str:
        """The new text that is certain."""
        if isinstance(event, Final) and event.words:
            self._texts.append(event.text)
        return self._deltas.of(event)
