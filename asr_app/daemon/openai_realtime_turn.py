"""A turn of a realtime client: sound until a commit, as a stream of the engine, and what is told of it.

Deltas are the words of the first pass that it no longer changes; what is completed has the words of the second.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from asr_app.daemon.client_stream import ClientStream
from asr_app.daemon.deltas import Deltas
from asr_app.daemon.openai_formats import usage
from asr_app.daemon.openai_realtime_session import SessionOptions
from asr_app.daemon.outbox import Outbox
from asr_app.daemon.streams import Streams
from asr_app.errors import AsrError
from asr_app.events import Event, Failed, Final, SpeechEnded, SpeechStarted, Transcript

logger = logging.getLogger(__name__)

Tell = Callable[[dict[str, Any]], Awaitable[None]]


class Turn:
    """For the event loop's thread. Each run of speech is an item where turns are detected, else all of it is."""

    def __init__(
        self,
        streams: Streams,
        options: SessionOptions,
        start_s: float,
        tell: Tell,
        backlog: int,
    ) -> None:
        """start_s: of the turn in the session's sound. EngineError where the engine takes no more streams."""
        self._outbox, self._tell_client, self._start_s = Outbox(backlog), tell, start_s
        self._stream = ClientStream(streams, self._outbox, options.format.samples, options.voice)
        self._whole = None if options.voice else _Item(start_s)
        self._item = self._whole  # in progress
        self._items = dict[int, _Item]()  # of the segments whose finals are yet to come
        self._telling = asyncio.create_task(self._tell())

    @property
    def seconds(self) -> float:
        """How much was accepted."""
        return self._stream.seconds

    async def accept(self, data: bytes) -> bool:
        """Take samples in the client's form, cut anywhere; waits for room; False where the turn has failed."""
        await self._stream.accept(data)
        return not self._telling.done()

    async def finish(self) -> None:
        """No more sound comes; the last words follow."""
        await self._stream.finish()
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

    async def _tell(self) -> None:
        try:
            async for event in self._outbox:
                await self._tell_event(event)
            if self._whole:
                await self._completed(self._whole)
        except AsrError as error:
            await self._failed(str(error))

    async def _tell_event(self, event: Event) -> None:
        if isinstance(event, Failed):
            raise AsrError(event.message)
        if isinstance(event, Transcript):
            await self._tell_words(event)
        elif self._whole:
            return
        elif isinstance(event, SpeechStarted):
            self._item = _Item(self._start_s + event.time_s)
            await self._buffer("speech_started", self._item, audio_start_ms=self._ms(event.time_s))
        elif isinstance(event, SpeechEnded) and self._item:
            item, self._item = self._item, None
            await self._buffer("speech_stopped", item, audio_end_ms=self._ms(event.time_s))
            item.end_s = self._start_s + event.time_s
            await self._committed(item)
            await self._complete(item)

    async def _tell_words(self, event: Transcript) -> None:
        """Of the item in which the segment began; the final may come when that is over."""
        item = self._items.setdefault(event.segment_id, self._item) if self._item else self._items[event.segment_id]
        if delta := item.take(event):
            await self._transcription("delta", item, delta=delta)
        if isinstance(event, Final):
            del self._items[event.segment_id]
            await self._complete(item)

    async def _complete(self, item: "_Item") -> None:
        """Tell all of an item that has ended, once no final of it is missing."""
        if item.end_s is not None and item not in self._items.values():
            await self._completed(item)

    def _ms(self, time_s: float) -> int:
        return round(1000 * (self._start_s + time_s))

    async def _buffer(self, what: str, item: "_Item", **fields: Any) -> None:
        await self._tell_client({"type": f"input_audio_buffer.{what}", "item_id": item.id, **fields})

    async def _committed(self, item: "_Item") -> None:
        await self._buffer("committed", item)

    async def _completed(self, item: "_Item") -> None:
        end_s = self._start_s + self.seconds if item.end_s is None else item.end_s
        await self._transcription("completed", item, transcript=item.text, usage=usage(end_s - item.start_s))

    async def _failed(self, message: str) -> None:
        item = self._item or _Item(self._start_s)
        error = {"type": "server_error", "code": None, "message": message, "param": None}
        await self._transcription("failed", item, error=error)

    async def _transcription(self, what: str, item: "_Item", **fields: Any) -> None:
        kind = f"conversation.item.input_audio_transcription.{what}"
        await self._tell_client({"type": kind, "item_id": item.id, "content_index": 0, **fields})


class _Item:
    """What was said in one go. start_s, end_s: in the session's sound; it has no end while it goes on."""

    def __init__(self, start_s: float) -> None:
        self.id, self.start_s = f"item_{uuid.uuid4().hex}", start_s
        self.end_s: float | None = None
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
