"""Two passes over live speech: a streaming recogniser shows the words, an exact one writes the final of each segment.

The first pass's final is told as one more partial. The segment's sound is then heard once more, whole, in another
thread; what comes of that is the segment's final, with the same number. Where that fails or takes too long, the
final has the words of the first pass, and a note that says so.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from asr_app.audio.voice_activity import VoiceActivityOptions
from asr_app.engine.sound_memory import SoundMemory
from asr_app.engine.stream import Listener
from asr_app.events import Event, Final, Partial, SpeechStarted
from asr_app.files.hearing import hear
from asr_app.files.segments import Speech
from asr_app.recognizer import Recognizer
from asr_app.text.patience import Patience, TooSlowError
from decoder.types import Word

logger = logging.getLogger(__name__)

_BEFORE_S = VoiceActivityOptions().pre_roll_s
_AROUND_S = 0.4  # heard beside a segment: its labels may be early, and a word that is cut is heard as another one
_LEAD_S = 10.0  # before its first word a segment is heard no longer: a hum that is taken for speech may last
_PATIENCE_S = 3.0  # and the length of the segment: what is slower than speech is never in time


class SecondPass:
    """The thread that hears segments once more, in the order in which they end: one for all streams of a program."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._networks = Patience[tuple[Recognizer, Speech], tuple[Word, ...]](_heard)
        threading.Thread(target=self._run, name="second pass", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> None:
        """Do this in the thread, after what was submitted before; never waits."""
        self._jobs.put(job)

    def words(self, exact: Recognizer, speech: Speech, due_s: float) -> tuple[Word, ...]:
        """What is said in a run of speech; for the thread. TooSlowError after due_s, or what hearing raises.

        due_s: of time.monotonic.
        """
        left_s = due_s - time.monotonic()
        if left_s <= 0:
            raise TooSlowError("are behind with earlier segments")
        return self._networks.ask((exact, speech), left_s)

    def close(self) -> None:
        """End after what was submitted."""
        self._jobs.put(None)

    def _run(self) -> None:
        for job in iter(self._jobs.get, None):
            try:
                job()
            except Exception:  # of one stream's listener: the other streams go on
                logger.warning("a listener failed", exc_info=True)
        self._networks.close()


class TwoPasses:
    """A Listener of the first pass, which tells another one of it, and of the finals of the second."""

    def __init__(self, listener: Listener, exact: Recognizer, memory: SoundMemory, second_pass: SecondPass) -> None:
        """exact: of the stream's sample rate. memory: of the stream."""
        self._listener, self._exact, self._memory, self._second_pass = listener, exact, memory, second_pass
        self._from_s = 0.0  # where the words of the segment in progress begin
        self._heard_from_s = 0.0  # where it is heard from
        self._stable = 0  # words of the last partial

    def use(self, exact: Recognizer) -> None:
        """Hear with another recogniser from the next segment on."""
        self._exact = exact

    def put(self, event: Event) -> None:
        """Tell an event, or keep a final until the second pass is over; never waits."""
        if isinstance(event, SpeechStarted):
            self._heard_from_s = max(self._heard_from_s, event.time_s - _BEFORE_S)
        if isinstance(event, Final):
            self._hear_again(event)
            return
        self._stable = event.stable_words if isinstance(event, Partial) else self._stable
        self._listener.put(event)

    def close(self) -> None:
        """There are no more events; the listener is told so behind the last final."""
        self._second_pass.submit(self._listener.close)

    def _hear_again(self, first: Final) -> None:
        self._listener.put(Partial(first.segment_id, first.revision, first.words, self._stable))
        self._stable = 0
        spoken_s = first.words[0].start_s if first.words else self._heard_from_s
        end_s = first.words[-1].end_s if first.words else self._heard_from_s
        heard_from_s = max(self._heard_from_s, spoken_s - _LEAD_S)
        speech, exact = self._memory.between(heard_from_s, end_s + _AROUND_S), self._exact
        segment = _Segment(first, self._from_s, end_s if _is_cut(first, exact) else end_s + _AROUND_S)
        self._from_s, self._heard_from_s = segment.end_s, segment.end_s - _AROUND_S
        self._memory.forget(self._heard_from_s)
        due_s = time.monotonic() + _PATIENCE_S + len(speech.samples) / exact.sample_rate
        self._second_pass.submit(lambda: self._listener.put(self._second(segment, speech, exact, due_s)))

    def _second(self, segment: "_Segment", speech: Speech, exact: Recognizer, due_s: float) -> Final:
        """The final of a segment, a revision above that of the first pass; silence takes no words back."""
        first = segment.first
        words, note = first.words, ""
        if words:  # else there is nothing to be heard, or to be corrected
            try:
                words = segment.own(self._second_pass.words(exact, speech, due_s)) or words
            except TooSlowError as error:
                note = f"the networks of the second pass {error}"
            except Exception as error:
                logger.info("the details:", exc_info=True)
                note = f"the second pass failed ({type(error).__name__})"
        note = note and f"{note}: the words are those of the first"
        return Final(first.segment_id, first.revision + 1, words, note)


@dataclass(frozen=True, slots=True)
class _Segment:
    """The first pass's final, and from when to when in the stream its words are."""

    first: Final
    start_s: float
    end_s: float

    def own(self, words: Iterable[Word]) -> tuple[Word, ...]:
        """Of words that were heard around here those of the segment: each word is of one, by its middle."""
        return tuple(word for word in words if self.start_s <= (word.start_s + word.end_s) / 2 < self.end_s)


def _is_cut(first: Final, recognizer: Recognizer) -> bool:
    """Whether the segment was so long that it may have ended between two words: the next one may follow at once.

    Its words alone need not be that long: a silence too short to end another segment counts as well.
    """
    words = first.words
    return bool(words) and words[-1].end_s + _AROUND_S - words[0].start_s >= recognizer.endpoints.longest_segment_s


def _heard(asked: tuple[Recognizer, Speech]) -> tuple[Word, ...]:
    return tuple(hear(*asked).words)
