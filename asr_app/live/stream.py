"""One live stream: the recogniser hears what the voice activity gate lets through, and sleeps in silence.

Each run of speech is a recogniser session of its own. Its events come out with the times and the numbers of the whole
stream; ending it flushes the last word's frames.
"""

from collections.abc import Iterable

from asr_app.audio.silero import SAMPLE_RATE
from asr_app.audio.types import AudioChunk
from asr_app.audio.voice_activity import SpeechGate, VoiceActivityOptions
from asr_app.errors import ConfigError
from asr_app.events import AudioGap, Event, Final, SpeechEnded, SpeechStarted
from asr_app.live.placement import Placement
from asr_app.recognizer import Recognizer, RecognizerSession


class LiveStream:
    """A stream of chunks at the recogniser's sample rate that may go on for days."""

    def __init__(self, recognizer: Recognizer, options: VoiceActivityOptions | None = None) -> None:
        """options: by default the gate shuts after the trailing silence of the recogniser's endpoint rules.

        Raises ConfigError where the recogniser's sample rate is not the voice activity network's.
        """
        if recognizer.sample_rate != SAMPLE_RATE:
            raise ConfigError(f"live speech needs a recogniser of {SAMPLE_RATE} Hz: choose another with --model")
        rules = recognizer.endpoints
        self._recognizer = self._hearing = recognizer
        self._gate = SpeechGate(options or VoiceActivityOptions(hangover_s=rules.trailing_silence_s))
        self._session: RecognizerSession | None = None
        self._placement = Placement()

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks, or did a moment ago."""
        return self._gate.is_open

    def use(self, recognizer: Recognizer) -> None:
        """Hear with another recogniser, of the same sample rate, from the next segment on; from any thread."""
        self._recognizer = recognizer

    def accept(self, chunk: AudioChunk) -> list[Event]:
        """The events that a chunk brings about."""
        gap: list[Event] = []
        if chunk.dropped_before:
            gap = [AudioGap(chunk.start_sample - chunk.dropped_before, chunk.dropped_before)]
        return gap + self._hear(self._gate.accept(chunk))

    def flush(self) -> list[Event]:
        """End the speech in progress, with its final; later chunks may follow."""
        return self._hear(self._gate.close())

    def _hear(self, heard: Iterable[AudioChunk | SpeechStarted | SpeechEnded]) -> list[Event]:
        events: list[Event] = []
        for item in heard:
            if isinstance(item, AudioChunk):
                events += self._recognise(item)
            elif isinstance(item, SpeechStarted):
                events.append(item)
            else:
                events += [*self._end(), item]
        return events

    def _recognise(self, chunk: AudioChunk) -> list[Event]:
        if self._session is None:
            self._hearing = self._recognizer
            self._session = self._hearing.session()
            self._placement = Placement(chunk.start_sample / SAMPLE_RATE, self._placement.next_segment)
        events = self._placement.placed(self._session.accept(chunk))
        if self._hearing is not self._recognizer and any(isinstance(event, Final) for event in events):
            events += self._end()
        return events

    def _end(self) -> list[Event]:
        session, self._session = self._session, None
        return self._placement.placed(session.finish()) if session else []
