"""Dictation: takes of a live source, started and stopped by clients; their words go to a sink and to subscribers.

A take is one run of the source, from start to stop, and one stream of the engine. A take may begin while the one
before is still being recognised; the words come in the order in which they were said.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, TypeGuard

from asr_app.audio.live_source import LiveSource
from asr_app.daemon.outbox import Outbox
from asr_app.daemon.sinks import Sink
from asr_app.daemon.streams import Streams
from asr_app.engine.stream import explained
from asr_app.errors import AsrError
from asr_app.events import Event, Failed, Final, SpeechEnded, SpeechStarted, Transcript, Written
from asr_app.recognizer import Recognizer
from asr_app.records.remembering import Memory
from asr_app.text.writing import Listener, Writing, WrittenListener
from asr_app.typing.pace import Pace

logger = logging.getLogger(__name__)

OpenSource = Callable[[int], LiveSource]
"""A source of a sample rate (Hz), not yet entered; AsrError where there is none."""


class State(StrEnum):
    """What the daemon is doing; finishing: the last take is over, its last words are yet to come."""

    LOADING = "loading"
    IDLE = "idle"
    LISTENING = "listening"
    SPEECH = "speech"
    FINISHING = "finishing"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """The daemon does something else from now on."""

    type: ClassVar[str] = "state"
    state: str


class Dictation:
    """For the event loop's thread.

    writing: gives the written form of finals, which goes to the sink in their place, from the next take on; None for
    none. What a voice command wants done is told in its written event; "stop" is obeyed here.
    pace: which raw words go to the sink, and when, from the next take on; None for finals, in their written form.
    memory: is given every take that was not cancelled, at its end; None for none.
    """

    def __init__(self, open_source: OpenSource, sink: Sink, publish: Callable[[Event], None], backlog: int) -> None:
        """publish: tells subscribers. backlog: events that may wait for the sink."""
        self.writing: Writing | None = None
        self.pace: Pace | None = None
        self.memory: Memory | None = None
        self._open_source, self._sink, self._publish, self._backlog = open_source, sink, publish, backlog
        self._take: _Take | None = None
        self._relay: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._next_segment = 0
        self.state = State.IDLE

    @property
    def is_on(self) -> bool:
        """Whether a take is in progress, or about to be."""
        return self._take is not None or self._starting.locked()

    async def start(self, streams: Streams) -> bool:
        """Begin a take; False where one is in progress. AsrError where the source or the engine refuses."""
        async with self._starting:
            if self._take:
                return False
            take = _Take(streams, Outbox(self._backlog), self.writing, self.pace)
            await asyncio.to_thread(take.start, self._open_source)
            self._take = take
            self._relay = asyncio.create_task(self._pass_on(take, self._relay))
            self._turn(State.LISTENING)
            return True

    async def stop(self) -> bool:
        """End the take; its last words still come. False where there is none."""
        take = await self._end()
        if take:
            take.stop()
        return take is not None

    async def cancel(self) -> bool:
        """Drop the take, and what was said in it and is not told yet; False where there is none."""
        take = await self._end()
        if take:
            take.cancel()
        return take is not None

    async def expect(self, other: Recognizer, folder: Path) -> None:
        """Let the take in progress expect the words of another recogniser of its model, from its next segment on.

        folder: the model's. What hears with another model goes on as it is. AsrError where a word cannot be expected.
        """
        async with self._starting:
            take = self._take
            if take and take.recognizer.sha256 == other.sha256 and take.recognizer.expected != other.expected:
                take.use(await asyncio.to_thread(take.recognizer.expecting, other.expected, folder))

    async def drain(self, timeout_s: float) -> None:
        """Wait until every word was told, at most so long."""
        if self._relay:
            await asyncio.wait([self._relay], timeout=timeout_s)

    async def _end(self) -> "_Take | None":
        """The take in progress, which is so no more; one that is about to begin is waited for: a key was let go."""
        async with self._starting:
            take, self._take = self._take, None
            if take:
                self._turn(State.FINISHING)
            return take

    async def _pass_on(self, take: "_Take", before: "asyncio.Task[None] | None") -> None:
        """Tell the events of a take after those of the take before."""
        if before:
            await asyncio.wait([before])
        first = self._next_segment
        try:
            async for event in take.outbox:
                if not take.is_cancelled:
                    await self._tell(event, first, take)
        except AsrError as error:
            self._publish(Failed(str(error)))
        finally:
            take.stop()
            if take.failure:
                self._publish(Failed(take.failure))
            if take is self._take:
                self._take = None
            if self._take is None and asyncio.current_task() is self._relay:  # no later take has words to come
                self._turn(State.IDLE)
        await self._remember(take)

    async def _remember(self, take: "_Take") -> None:
        said = [final for final in take.said.values() if final.words]
        if self.memory and said and not take.is_cancelled:
            await asyncio.to_thread(self.memory.add, take.name, take.began, said[-1].words[-1].end_s, said)

    async def _tell(self, event: Event, first_segment: int, take: "_Take") -> None:
        if isinstance(event, Transcript):
            event = replace(event, segment_id=first_segment + event.segment_id)
            self._next_segment = max(self._next_segment, event.segment_id + 1)  # written text may come late
        if isinstance(event, SpeechStarted | SpeechEnded) and take is self._take:
            self._turn(State.SPEECH if isinstance(event, SpeechStarted) else State.LISTENING)
        self._publish(event)
        if isinstance(event, Final):
            take.said[event.segment_id] = event  # its written form comes later, and takes its place
        if _is_last(event, take) and event.note:
            logger.warning("%s", event.note)
        if isinstance(event, Written):
            await self._heed(event, take)
        if text := self._for_sink(event, take):
            try:
                await asyncio.to_thread(self._sink.write, text)
            except Exception as error:
                logger.info("the details:", exc_info=True)
                logger.warning("%s", explained(error))
                self._publish(Failed(explained(error)))

    def _for_sink(self, event: Event, take: "_Take") -> str:
        """The words that an event makes ready for the sink; each once."""
        if take.pace:
            return "" if isinstance(event, Written) else take.pace(event)
        return event.text if _is_last(event, take) else ""

    async def _heed(self, text: Written, take: "_Take") -> None:
        if text.action == "stop" and take is self._take:
            await self.stop()

    def _turn(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._publish(StateChanged(state))


def _is_last(event: Event, take: "_Take") -> TypeGuard[Final]:
    """Whether an event is the last of its segment: the written form of its final, where there is one."""
    return isinstance(event, Final) and isinstance(event, Written) is (take.writing is not None)


class _Take:
    """A run of a source: a thread that reads it and hands its chunks to the engine."""

    def __init__(self, streams: Streams, outbox: Outbox, writing: Writing | None, pace: Pace | None) -> None:
        """Open the engine's stream: the engine may retire while a source opens. AsrError where it refuses."""
        self.outbox, self.writing, self.pace, self.failure, self.is_cancelled = outbox, writing, pace, "", False
        self.said: dict[int, Final] = {}
        self.recognizer = streams.recognizer
        self._resources = ExitStack()
        listener: Listener = WrittenListener(outbox, writing) if writing else outbox
        try:
            self._stream = streams.open(listener)
        except AsrError:
            listener.close()
            raise

    def start(self, open_source: OpenSource) -> None:
        """Open the source and begin; AsrError where it refuses."""
        try:
            self._source = open_source(self.recognizer.sample_rate)
            self._resources.enter_context(self._source)
        except Exception:
            self._stream.cancel()
            raise
        self.name, self.began = self._source.name, datetime.now().astimezone()
        threading.Thread(target=self._run, name="dictation", daemon=True).start()

    def stop(self) -> None:
        """Hear what was captured, then end."""
        self._source.stop()

    def use(self, recognizer: Recognizer) -> None:
        """Hear with another recogniser, of the same acoustic model, from the next segment on."""
        self.recognizer = recognizer
        self._stream.use(recognizer)

    def cancel(self) -> None:
        """End, and tell no more."""
        self.is_cancelled = True
        self._source.stop()
        self._stream.cancel()

    def _run(self) -> None:
        try:
            with self._resources:
                for chunk in self._source:
                    self._stream.accept(chunk, timeout_s=None)  # a microphone buffers, and counts what it loses
        except Exception as error:
            logger.info("the details:", exc_info=True)
            self.failure = explained(error)
        self._stream.finish()
