"""The engine: one thread that steps all streams of a recogniser as one batch.

Streams that are ready wait a moment for the others, so that one step serves many; the step takes those that have waited
longest. No recording comes here, lest live speech should wait for it: these are heard by asr_app/daemon/recordings.py.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from asr_app.engine.limits import EngineLimits
from asr_app.engine.stream import EngineStream, Listener, StreamSession, explained
from asr_app.errors import EngineError
from asr_app.recognizer import Recognizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """An engine at one moment.

    live: open streams. waiting_s: sound that they accepted and the engine has not heard.
    steps, chunks: batches so far, and chunks of sound in them. busy_s: seconds of the work in progress; 0 when idle.
    failure: why the engine died, if it did.
    """

    live: int
    waiting_s: float
    steps: int
    chunks: int
    busy_s: float
    failure: str | None


class Engine:
    """A context manager; all methods may be called from any thread and return at once, but close."""

    def __init__(self, recognizer: Recognizer, limits: EngineLimits | None = None) -> None:
        self.recognizer, self.limits = recognizer, limits or EngineLimits()
        self._streams: list[EngineStream] = []
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._is_open = True
        self._failure: str | None = None
        self._steps = self._chunks = 0
        self._turn_began: float | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self, listener: Listener, session: StreamSession) -> EngineStream:
        """A new stream; EngineError where there are too many, or the engine has stopped.

        session: of this recogniser's acoustic model: a GatedSession, or a RecognizerSession, which hears everything.
        """
        stream = EngineStream(session, listener, self.limits.queue_s, self._news.set)
        with self._lock:
            if self._failure or not self._is_open:
                raise EngineError(self._failure or "the recogniser was stopped: start it again")
            if sum(not one.is_over for one in self._streams) >= self.limits.streams:
                raise EngineError(f"{self.limits.streams} streams are open, and no more may be: try again later")
            self._streams.append(stream)
        return stream

    def retire(self) -> None:
        """Open no more streams; the thread ends with the last one."""
        with self._lock:
            self._is_open = False
        self._news.set()

    def close(self) -> None:
        """Stop: streams that are not at their end fail."""
        with self._lock:
            self._is_open = False
            self._failure = self._failure or "the recogniser was stopped before the end of the stream: start it again"
        self._news.set()
        self._thread.join()

    @property
    def status(self) -> EngineStatus:
        """How it stands now."""
        streams, began = [stream for stream in tuple(self._streams) if not stream.is_over], self._turn_began
        return EngineStatus(
            live=len(streams),
            waiting_s=sum(stream.waiting_s for stream in streams),
            steps=self._steps,
            chunks=self._chunks,
            busy_s=0.0 if began is None else time.monotonic() - began,
            failure=self._failure,
        )

    def _run(self) -> None:
        """The thread: what fails here is told to every stream."""
        failure = ""
        try:
            self._work()
        except Exception as error:
            logger.info("the details:", exc_info=True)
            failure = explained(error)
        with self._lock:
            self._is_open, self._turn_began = False, None
            self._failure = self._failure or failure or None
            left, self._streams = self._streams, []
        for stream in left:
            stream.fail(EngineError(self._failure or ""))

    def _work(self) -> None:
        while self._goes_on():
            self._news.clear()
            self._turn_began = time.monotonic()
            wait_s = self._turn()
            with self._lock:
                self._streams = [stream for stream in self._streams if not stream.is_over]
            self._turn_began = None
            if wait_s != 0.0 and self._goes_on():
                self._news.wait(wait_s)

    def _goes_on(self) -> bool:
        return not self._failure and (self._is_open or bool(self._streams))

    def _turn(self) -> float | None:
        """Step what is ready and due: 0. Where nothing is, how long to wait unless something comes; None: for ever."""
        streams = tuple(self._streams)
        ready = _oldest_first(streams)
        if not ready:
            return None
        wait_s = self._gathering_s(ready, sum(stream.is_hearing for stream in streams))
        if wait_s > 0:
            return wait_s
        self._step([stream for _, stream in ready[: self._batch]])
        return 0.0

    def _gathering_s(self, ready: list[tuple[float, EngineStream]], hearing: int) -> float:
        """How much longer the streams that are ready may wait for the rest of those that hear something."""
        if len(ready) >= min(hearing, self._batch):
            return 0.0
        return ready[0][0] + self.limits.gather_s - time.monotonic()

    @property
    def _batch(self) -> int:
        return self.limits.batch if self.recognizer.device.type == "cpu" else self.limits.gpu_batch

    def _step(self, streams: Sequence[EngineStream]) -> None:
        """One step of these streams, all ready, and their events."""
        try:
            decoded = self.recognizer.acoustic.step([stream.acoustic for stream in streams])
        except Exception as error:
            logger.info("a step of %d streams failed", len(streams), exc_info=True)
            self._apart(streams, error)
            return
        self._steps, self._chunks = self._steps + 1, self._chunks + len(streams)
        for stream, log_probs in zip(streams, decoded, strict=True):
            stream.decode(log_probs)

    def _apart(self, streams: Sequence[EngineStream], error: Exception) -> None:
        """After a batch that failed, and left its streams as they were: each alone, so that only one of them fails."""
        if len(streams) == 1:
            streams[0].fail(error)
        else:
            for stream in streams:
                self._step([stream])


def _oldest_first(streams: Iterable[EngineStream]) -> list[tuple[float, EngineStream]]:
    """The streams that are ready for a step, and since when; those that waited longest first."""
    ready = [(since, stream) for stream in streams if (since := stream.ready_since()) is not None]
    return sorted(ready, key=lambda one: one[0])
