"""A live session: a source heard by a thread of its own, events in a bounded queue, and a status for a screen."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from asr_app.audio.level import FLOOR_DBFS, level_dbfs
from asr_app.audio.live_source import LiveSource
from asr_app.audio.types import AudioChunk
from asr_app.audio.voice_activity import VoiceActivityOptions
from asr_app.engine.sound_memory import SoundMemory
from asr_app.engine.stream import explained
from asr_app.errors import AsrError
from asr_app.events import Event, Failed, Transcript
from asr_app.live.event_queue import EventQueue
from asr_app.live.stream import LiveStream
from asr_app.live.two_passes import SecondPass, TwoPasses
from asr_app.recognizer import Recognizer

logger = logging.getLogger(__name__)

_RECENT = 100  # chunks, and words, that figures are of
_PATIENCE_S = 5.0


class State(StrEnum):
    """What a session is doing."""

    LISTENING = "listening"
    SPEECH = "speech"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """A moment of a session.

    device: what is heard.
    level_dbfs: root mean square of the last chunk, 0 for full scale, FLOOR_DBFS for none.
    position_s: how far into the stream the recogniser is.
    waiting_s: sound that was captured and is yet to be recognised.
    latency_p50_s, latency_p95_s: from the end of a new word in the sound to its event, of recent words; NaN before any.
    real_time_factor: seconds of recognising for a second of sound, of recent chunks.
    dropped_s: sound that was lost so far.
    """

    state: State
    device: str
    level_dbfs: float
    position_s: float
    waiting_s: float
    latency_p50_s: float
    latency_p95_s: float
    real_time_factor: float
    dropped_s: float


class LiveSession:
    """start, then iterate events() until they end; all other methods return at once, and from any thread."""

    def __init__(self, recognizer: Recognizer, source: LiveSource, options: VoiceActivityOptions | None = None) -> None:
        """source: of the recogniser's sample rate, not yet entered."""
        self._queue = EventQueue()
        self._second_pass, self._passes, memory = None, None, SoundMemory() if recognizer.exact else None
        self._source, self._stream = source, LiveStream(recognizer, options, memory)  # may refuse: no thread runs yet
        if recognizer.exact and memory:
            self._second_pass = SecondPass()
            self._passes = TwoPasses(self._queue, recognizer.exact, memory, self._second_pass)
        self._listener = self._passes or self._queue
        self._resources = ExitStack()
        self._pause_s = math.inf  # where in the stream it is paused
        self._thread = threading.Thread(target=self._run, name="recogniser", daemon=True)
        self._ended: State | None = None
        self._level_dbfs, self._position_s, self._dropped_s = FLOOR_DBFS, 0.0, 0.0
        self._spent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        self._latencies: deque[float] = deque(maxlen=_RECENT)
        self._words = (0, 0)  # segment, words of it that have been told

    def start(self) -> None:
        """Open the source (raises what that raises: AudioDeviceError, AudioFormatError) and begin to listen."""
        try:
            self._resources.enter_context(self._source)
        except Exception:
            if self._second_pass:
                self._second_pass.close()
            raise
        self._thread.start()

    def pause(self) -> None:
        """Hear nothing that comes from now on, until resume; the speech in progress gets its final. Time goes on."""
        self._pause_s = self._position_s + self._source.waiting_s

    def resume(self) -> None:
        """Listen again."""
        self._pause_s = math.inf

    def use(self, recognizer: Recognizer) -> None:
        """Hear with another recogniser, of the same sample rate, from the next segment on."""
        self._stream.use(recognizer)
        if self._passes and recognizer.exact:
            self._passes.use(recognizer.exact)

    def stop(self) -> None:
        """Recognise what was captured and end: the last final comes, then events() ends."""
        self._source.stop()

    def join(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Wait for the end after stop; False where the session still works."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def events(self) -> Iterator[Event]:
        """Events as they come, to their end; for one reader. A slow one misses partials, never finals."""
        return iter(self._queue)

    @property
    def status(self) -> LiveStatus:
        """How it stands now."""
        latencies, spent = tuple(self._latencies), tuple(self._spent)
        p50, p95 = np.percentile(latencies, (50, 95)) if latencies else (math.nan, math.nan)
        heard_s = sum(audio_s for audio_s, _ in spent)
        return LiveStatus(
            state=self._state,
            device=self._source.name,
            level_dbfs=self._level_dbfs,
            position_s=self._position_s,
            waiting_s=self._source.waiting_s,
            latency_p50_s=float(p50),
            latency_p95_s=float(p95),
            real_time_factor=sum(busy_s for _, busy_s in spent) / heard_s if heard_s else 0.0,
            dropped_s=self._dropped_s,
        )

    @property
    def _state(self) -> State:
        if self._ended:
            return self._ended
        if self._pause_s < math.inf:
            return State.PAUSED
        if not self._source.is_connected:
            return State.RECONNECTING
        return State.SPEECH if self._stream.is_speech else State.LISTENING

    def _run(self) -> None:
        """The thread: everything that fails here is told as an event."""
        failure = ""
        try:
            with self._resources:
                self._listen()
        except AsrError as error:
            failure = str(error)
        except Exception as error:
            logger.info("the details:", exc_info=True)
            failure = explained(error)
        if failure:
            self._listener.put(Failed(failure))
        self._ended = State.FAILED if failure else State.STOPPED
        self._listener.close()
        if self._second_pass:
            self._second_pass.close()

    def _listen(self) -> None:
        try:
            for chunk in self._source:
                self._hear(chunk)
        finally:  # what was said before a failure is kept
            self._tell(self._stream.flush())

    def _hear(self, chunk: AudioChunk) -> None:
        began = time.perf_counter()
        audio_s = len(chunk.samples) / chunk.sample_rate
        self._position_s = chunk.start_sample / chunk.sample_rate + audio_s
        self._dropped_s += chunk.dropped_before / chunk.sample_rate
        heard = self._before_pause(chunk)
        self._level_dbfs = level_dbfs(heard.samples)
        events = self._stream.accept(heard)
        busy_s = time.perf_counter() - began
        self._spent.append((audio_s, busy_s))
        self._tell(events)

    def _before_pause(self, chunk: AudioChunk) -> AudioChunk:
        """What of a chunk is heard; where that is nothing the speech ends, as it does where a source has nothing."""
        left_s = self._pause_s - chunk.start_sample / chunk.sample_rate
        if left_s == math.inf:
            return chunk
        return replace(chunk, samples=chunk.samples[: max(0, round(left_s * chunk.sample_rate))])

    def _tell(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Transcript):
                self._note_latency(event)
            self._listener.put(event)

    def _note_latency(self, event: Transcript) -> None:
        """Time from the end of a word that was not there before; by the stream's clock, and what waits is later."""
        segment, told = self._words
        known = told if event.segment_id == segment else 0
        if len(event.words) > known:
            busy_s = self._spent[-1][1] if self._spent else 0.0
            now_s = self._position_s + self._source.waiting_s + busy_s
            self._latencies.append(now_s - event.words[-1].end_s)
        self._words = (event.segment_id, max(known, len(event.words)))
