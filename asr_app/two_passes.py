"""Two passes over live speech: a streaming recogniser shows the words, an exact one writes the final of each segment.

The first pass's final is told as one more partial. The segment's sound is then heard once more, whole, in a thread of
its own; what comes of that is the segment's final, with the same number. Where that fails or takes too long, the
final has the words of the first pass, and a note that says so.
"""

import logging
import queue
import threading
from collections import deque

import numpy as np

from asr_app.audio.types import AudioChunk
from asr_app.engine_stream import Listener
from asr_app.events import Event, Final, Partial, SpeechStarted
from asr_app.files.hearing import hear
from asr_app.files.segments import Speech
from asr_app.recognizer import Recognizer
from asr_app.text.patience import Patience, TooSlowError
from asr_app.voice_activity import VoiceActivityOptions
from decoder.types import Word

logger = logging.getLogger(__name__)

KEPT_S = 90.0
"""Sound that is remembered: the longest segment (EndpointRules.limit_s), and what a busy engine is behind."""

_BEFORE_S = VoiceActivityOptions().pre_roll_s
_AFTER_S = 0.4  # the last word, whose labels may be early
_PATIENCE_S = 3.0  # and the length of the segment: what is slower than speech is never in time


class SoundMemory:
    """The last minute and a half of a stream: a listener of its source (asr_app.audio.overheard)."""

    def __init__(self) -> None:
        self._chunks: deque[AudioChunk] = deque()
        self._lock = threading.Lock()

    def accept(self, chunk: AudioChunk) -> None:
        """Remember a chunk."""
        with self._lock:
            self._chunks.append(chunk)
            oldest = chunk.start_sample - KEPT_S * chunk.sample_rate
            while self._chunks[0].start_sample < oldest:
                self._chunks.popleft()

    def close(self) -> None:
        """The source has ended; what was heard last may be asked for still."""

    def between(self, start_s: float, end_s: float) -> Speech:
        """What was heard between two times, in seconds from the stream's start; what was lost is silence."""
        with self._lock:
            chunks = tuple(self._chunks)
        rate = chunks[0].sample_rate if chunks else 1
        first = max(round(start_s * rate), chunks[0].start_sample if chunks else 0)
        last = min(round(end_s * rate), chunks[-1].start_sample + len(chunks[-1].samples) if chunks else 0)
        samples = np.zeros(max(0, last - first), np.float32)
        for chunk in chunks:
            at = chunk.start_sample - first
            begin, end = max(0, -at), min(len(chunk.samples), len(samples) - at)
            if begin < end:
                samples[at + begin : at + end] = chunk.samples[begin:end]
        return Speech(first, samples)


class TwoPasses:
    """A Listener of the first pass, which tells another one of it, and of the finals of the second."""

    def __init__(self, listener: Listener, exact: Recognizer, memory: SoundMemory) -> None:
        """exact: of the stream's sample rate. memory: of the stream."""
        self._listener, self._exact, self._memory = listener, exact, memory
        self._from_s = 0.0  # where the segment in progress begins
        self._stable = 0  # words of the last partial
        self._finals: queue.SimpleQueue[tuple[Final, Speech] | None] = queue.SimpleQueue()
        self._networks = Patience[Speech, tuple[Word, ...]](self._heard)
        threading.Thread(target=self._dispatch, name="second pass", daemon=True).start()

    def use(self, exact: Recognizer) -> None:
        """Hear with another recogniser from the next segment on."""
        self._exact = exact

    def put(self, event: Event) -> None:
        """Tell an event, or keep a final until the second pass is over; never waits."""
        if isinstance(event, SpeechStarted):
            self._from_s = max(self._from_s, event.time_s - _BEFORE_S)
        if not isinstance(event, Final):
            self._stable = event.stable_words if isinstance(event, Partial) else self._stable
            self._listener.put(event)
            return
        self._listener.put(Partial(event.segment_id, event.revision, event.words, self._stable))
        self._stable = 0
        end_s = event.words[-1].end_s if event.words else self._from_s
        self._finals.put((event, self._memory.between(self._from_s, end_s + _AFTER_S)))
        self._from_s = end_s

    def close(self) -> None:
        """There are no more events; the listener is told so behind the last final."""
        self._finals.put(None)

    def _dispatch(self) -> None:
        for first, speech in iter(self._finals.get, None):
            self._listener.put(self._second(first, speech))
        self._networks.close()
        self._listener.close()

    def _second(self, first: Final, speech: Speech) -> Final:
        """The final of a segment, a revision above that of the first pass; silence takes no words back."""
        words, note = first.words, ""
        if words:  # else there is nothing to be heard, or to be corrected
            try:
                patience_s = _PATIENCE_S + len(speech.samples) / self._exact.sample_rate
                words = self._networks.ask(speech, patience_s) or words
            except TooSlowError as error:
                note = f"the networks of the second pass {error}"
            except Exception as error:
                logger.info("the details:", exc_info=True)
                note = f"the second pass failed ({type(error).__name__})"
        note = note and f"{note}: the words are those of the first"
        return Final(first.segment_id, first.revision + 1, words, note)

    def _heard(self, speech: Speech) -> tuple[Word, ...]:
        return tuple(hear(self._exact, speech).words)
