"""A session that sleeps in silence: the voice activity gate before sessions that somebody steps, as an engine does.

Each run of speech is a recogniser session of its own. Its events come out with the times and the numbers of the whole
stream; what comes after speech waits until that speech was stepped to its end.
"""

from collections import deque

from asr_app.audio.silero import SAMPLE_RATE
from asr_app.audio.types import AudioChunk
from asr_app.audio.voice_activity import SpeechGate, VoiceActivityOptions
from asr_app.engine.sound_memory import SoundMemory
from asr_app.errors import AudioFormatError, ConfigError
from asr_app.events import AudioGap, Event, Final, SpeechEnded, SpeechStarted
from asr_app.live.placement import Placement
from asr_app.recognizer import Recognizer, RecognizerSession
from models.acoustic import AcousticStream, LogProbs


class GatedSession:
    """A StreamSession of chunks of SAMPLE_RATE Hz that may go on for days."""

    def __init__(
        self, recognizer: Recognizer, options: VoiceActivityOptions | None = None, memory: SoundMemory | None = None
    ) -> None:
        """options: by default the gate shuts after the trailing silence of the recogniser's endpoint rules.

        memory: remembers what is heard; None for none.

        Raises ConfigError where the recogniser's sample rate is not the voice activity network's.
        """
        if recognizer.sample_rate != SAMPLE_RATE:
            raise ConfigError(f"live speech needs a recogniser of {SAMPLE_RATE} Hz: choose another with --model")
        self._recognizer = self._hearing = recognizer
        self._memory = memory
        self._gate = SpeechGate(options or VoiceActivityOptions(hangover_s=recognizer.endpoints.trailing_silence_s))
        self._heard: deque[AudioChunk | SpeechStarted | SpeechEnded] = deque()
        self._speech: _Speech | None = None
        self._segments = 0
        self._changes = False  # the recogniser, before what is heard next
        self._closed = False

    @property
    def acoustic(self) -> AcousticStream | None:
        """Of the speech in progress."""
        return self._speech.session.acoustic if self._speech else None

    @property
    def hearing(self) -> Recognizer:
        """The recogniser that hears the speech in progress."""
        return self._hearing

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks, or did a moment ago."""
        return self._gate.is_open

    def use(self, recognizer: Recognizer) -> None:
        """Hear with another recogniser, of the same sample rate, from the next segment on; from any thread."""
        self._recognizer = recognizer

    @property
    def is_over(self) -> bool:
        """Closed, and everything was stepped."""
        return self._closed and not self._heard

    def feed(self, chunk: AudioChunk) -> list[Event]:
        """Take a chunk in: the starts and ends of speech, and a gap; AudioFormatError at another sample rate.

        An empty chunk tells that nothing comes for a while (see LiveSource): what was speech ends there.
        """
        if chunk.sample_rate != SAMPLE_RATE:
            raise AudioFormatError(f"speech at {chunk.sample_rate} Hz: resample it to {SAMPLE_RATE} Hz first")
        gap: list[Event] = []
        if chunk.dropped_before:
            gap = [AudioGap(chunk.start_sample - chunk.dropped_before, chunk.dropped_before)]
        if not len(chunk.samples):
            return gap + self.flush()
        self._heard.extend(self._gate.accept(chunk))
        return gap + self._go_on()

    def flush(self) -> list[Event]:
        """End the speech in progress here; later chunks may follow."""
        self._heard.extend(self._gate.close())
        return self._go_on()

    def decode(self, log_probs: LogProbs) -> list[Event]:
        """The events of one step of the speech in progress, and of what waited for its end."""
        assert self._speech is not None
        events = self._speech.placement.placed(self._speech.session.decode(log_probs))
        if self._hearing is not self._recognizer and any(isinstance(event, Final) for event in events):
            self._changes = True
        return events + self._go_on()

    def close(self) -> list[Event]:
        """No more chunks come: the speech in progress ends."""
        self._closed = True
        return self.flush()

    def end(self) -> list[Event]:
        """The final of speech that a failure has cut; that of any other has come with its last step."""
        return self._end()

    def _go_on(self) -> list[Event]:
        """The events of what was heard, up to speech that is yet to be stepped to its end."""
        events: list[Event] = []
        while self._heard:
            item = self._heard[0]
            if isinstance(item, SpeechEnded) or self._changes:
                if self._speech and not self._speech.is_over():
                    break
                events += self._end()
            if isinstance(item, AudioChunk):
                self._hear(item)
            else:
                events.append(item)
            self._heard.popleft()
        return events

    def _hear(self, chunk: AudioChunk) -> None:
        if self._speech is None:
            self._hearing = self._recognizer
            self._speech = _Speech(self._hearing.session(), chunk.start_sample / SAMPLE_RATE, self._segments)
        self._speech.session.feed(chunk)
        if self._memory:
            self._memory.accept(chunk)

    def _end(self) -> list[Event]:
        speech, self._speech, self._changes = self._speech, None, False
        if speech is None:
            return []
        events = speech.placement.placed(speech.session.end())
        self._segments = speech.placement.next_segment
        return events


class _Speech:
    """The session of a run of speech, and where it lies in the stream."""

    def __init__(self, session: RecognizerSession, start_s: float, first_segment: int) -> None:
        self.session, self.placement = session, Placement(start_s, first_segment)
        self._closed = False

    def is_over(self) -> bool:
        """Whether all of it was stepped; nothing follows it any more."""
        if not self._closed:
            self._closed = True
            self.session.close()
        return self.session.is_over
