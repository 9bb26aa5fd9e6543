"""One live stream, heard at once as it comes: a gated session that nobody else steps."""

from asr_app.audio.types import AudioChunk
from asr_app.audio.voice_activity import VoiceActivityOptions
from asr_app.engine.gate import GatedSession
from asr_app.engine.sound_memory import SoundMemory
from asr_app.events import Event
from asr_app.recognizer import Recognizer


class LiveStream:
    """A stream of chunks at the recogniser's sample rate that may go on for days."""

    def __init__(
        self, recognizer: Recognizer, options: VoiceActivityOptions | None = None, memory: SoundMemory | None = None
    ) -> None:
        """See GatedSession."""
        self._session = GatedSession(recognizer, options, memory)

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks, or did a moment ago."""
        return self._session.is_speech

    def use(self, recognizer: Recognizer) -> None:
        """Hear with another recogniser, of the same sample rate, from the next segment on; from any thread."""
        self._session.use(recognizer)

    def accept(self, chunk: AudioChunk) -> list[Event]:
        """The events that a chunk brings about."""
        return self._stepped(self._session.feed(chunk))

    def flush(self) -> list[Event]:
        """End the speech in progress, with its final; later chunks may follow."""
        return self._stepped(self._session.flush())

    def _stepped(self, events: list[Event]) -> list[Event]:
        """These events, and those of all steps that are due."""
        session = self._session
        while session.acoustic is not None and session.acoustic.is_ready:
            events += session.decode(session.hearing.acoustic.step([session.acoustic])[0])
        return events
