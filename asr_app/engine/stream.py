"""One stream of the engine: the sound that waits, the session that hears it, the listener that is told."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from asr_app.audio.types import AudioChunk
from asr_app.errors import AsrError
from asr_app.events import Event, Failed
from models.acoustic import AcousticStream, LogProbs

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told of a stream's events, an EventQueue for one; the engine's thread calls it, so it returns at once."""

    def put(self, event: Event) -> None:
        """An event of the stream."""
        ...

    def close(self) -> None:
        """There are no more events."""
        ...


class StreamSession(Protocol):
    """What hears a stream, one step at a time: a RecognizerSession, or a GatedSession."""

    @property
    def acoustic(self) -> AcousticStream | None:
        """What is to be stepped when it is ready; None while nothing is heard."""
        ...

    @property
    def is_over(self) -> bool:
        """Closed, and nothing waits for a step."""
        ...

    def feed(self, chunk: AudioChunk) -> list[Event]:
        """Take a chunk in."""
        ...

    def decode(self, log_probs: LogProbs) -> list[Event]:
        """The events of one step's log-probabilities (T, V)."""
        ...

    def close(self) -> list[Event]:
        """No more chunks come: the events of that."""
        ...

    def end(self) -> list[Event]:
        """The last events, once it is over, or where a failure ends it."""
        ...


class EngineStream:
    """A stream of an Engine, whose `open` makes it. A client calls accept, finish and cancel, from any thread.

    The listener hears the events, in the end a Failed where something went wrong, and then `close`; after cancel only
    what was on its way already.
    """

    def __init__(self, session: StreamSession, listener: Listener, queue_s: float, wake: Callable[[], None]) -> None:
        """wake: tells the engine's thread that there is something to do."""
        self._session, self._listener = session, listener
        self._queue_s, self._wake = queue_s, wake
        self._changed = threading.Condition()
        self._chunks: deque[AudioChunk] = deque()
        self._waiting_s = 0.0
        self._ready_since: float | None = None
        self._finished = self._cancelled = self._closed = self._over = False

    def accept(self, chunk: AudioChunk, timeout_s: float | None = 0.0) -> bool:
        """Queue a chunk; False, and the chunk is not taken, where there is no room for so long; None waits for room.

        A source that cannot wait leaves the chunk out and says so in `dropped_before` of its next one.
        What comes after the stream failed or was cancelled is left out. ValueError after finish.
        """
        with self._changed:
            if self._finished:
                raise ValueError("the stream is finished: open a new one")
            if not self._changed.wait_for(self._has_room, timeout_s):
                return False
            if not self._is_dropped:
                self._chunks.append(chunk)
                self._waiting_s += _seconds(chunk)
        self._wake()
        return True

    def finish(self) -> None:
        """No more chunks come: the last final follows, then the listener is closed."""
        with self._changed:
            self._finished = True
        self._wake()

    def cancel(self) -> None:
        """Drop the stream and what waits."""
        with self._changed:
            self._cancelled = True
            self._forget()
        self._wake()

    @property
    def waiting_s(self) -> float:
        """Seconds of sound that were accepted and not yet heard."""
        return self._waiting_s

    # What follows is for the engine's thread.

    @property
    def is_over(self) -> bool:
        """Whether the engine may forget the stream."""
        return self._over

    @property
    def acoustic(self) -> AcousticStream:
        """Of the session, which is ready for a step."""
        acoustic = self._session.acoustic
        assert acoustic is not None
        return acoustic

    @property
    def is_hearing(self) -> bool:
        """Whether a step may come soon: the voice activity gate, if any, is open."""
        return self._session.acoustic is not None

    def ready_since(self) -> float | None:
        """Hear what waits; since when (time.monotonic) a chunk of it is ready for a step, None where none is."""
        try:
            self._hear()
        except Exception as error:
            logger.info("a stream failed", exc_info=True)
            self.fail(error)
        return self._ready_since

    def decode(self, log_probs: LogProbs) -> None:
        """Tell the events of a step."""
        self._ready_since = None
        try:
            self._tell(self._session.decode(log_probs))
        except Exception as error:
            logger.info("a stream failed", exc_info=True)
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Tell that the stream is over because of an error, and before it the final of what was understood."""
        self._end([*self._understood(), Failed(explained(error))])

    def _understood(self) -> list[Event]:
        try:
            return self._session.end()
        except Exception:
            logger.info("the words in progress are lost, too", exc_info=True)
            return []

    def _hear(self) -> None:
        """Feed the session up to a chunk that is ready for a step; end the stream where all was said."""
        if self._cancelled:
            self._end([])
        while not self._over and not self._is_ready and (chunk := self._take()) is not None:
            self._tell(self._session.feed(chunk))
        if self._over or self._is_ready or not self._finished or self._chunks:
            self._note_ready()
            return
        if not self._closed:
            self._closed = True
            self._tell(self._session.close())
        self._note_ready()
        if self._session.is_over:
            self._end(self._session.end())

    @property
    def _is_ready(self) -> bool:
        acoustic = self._session.acoustic
        return acoustic is not None and acoustic.is_ready

    def _note_ready(self) -> None:
        if self._over or not self._is_ready:
            self._ready_since = None
        elif self._ready_since is None:
            self._ready_since = time.monotonic()

    def _take(self) -> AudioChunk | None:
        with self._changed:
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._waiting_s = self._waiting_s - _seconds(chunk) if self._chunks else 0.0
            self._changed.notify_all()  # there is room
            return chunk

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if not self._cancelled:
                self._listener.put(event)

    def _end(self, events: list[Event]) -> None:
        """The last events; a listener that fails has nobody else to tell."""
        with self._changed:
            self._over = True
            self._forget()
        self._ready_since = None
        try:
            try:
                self._tell(events)
            finally:
                self._listener.close()
        except Exception:
            logger.warning("a listener failed", exc_info=True)

    @property
    def _is_dropped(self) -> bool:
        return self._over or self._cancelled

    def _has_room(self) -> bool:
        return self._is_dropped or self._waiting_s < self._queue_s

    def _forget(self) -> None:
        self._chunks.clear()
        self._waiting_s = 0.0
        self._changed.notify_all()


def explained(error: Exception) -> str:
    """An error as a client is told it."""
    if isinstance(error, AsrError):
        return str(error)
    return f"internal error: {type(error).__name__}: {error}; `asr --verbose ...` shows the details"


def _seconds(chunk: AudioChunk) -> float:
    return len(chunk.samples) / chunk.sample_rate
