"""Live streams of clients: they sleep in silence, and the final of each segment is heard once more, whole."""

from dataclasses import dataclass

from asr_app.audio.voice_activity import VoiceActivityOptions
from asr_app.engine.engine import Engine
from asr_app.engine.gate import GatedSession
from asr_app.engine.sound_memory import SoundMemory
from asr_app.engine.stream import EngineStream, Listener
from asr_app.live.two_passes import SecondPass, TwoPasses
from asr_app.recognizer import Recognizer


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a client opens its streams.

    engine: that steps them. recognizer: the engine's, or the same with words that the client expects.
    second_pass: of all clients.
    """

    engine: Engine
    recognizer: Recognizer
    second_pass: SecondPass

    def open(self, listener: Listener, voice: VoiceActivityOptions | None = None) -> EngineStream:
        """A stream of chunks at the recogniser's sample rate; EngineError where the engine takes no more.

        voice: what the stream takes for speech; see GatedSession.
        """
        exact = self.recognizer.exact
        if exact is None:
            return self.engine.open(listener, GatedSession(self.recognizer, voice))
        memory = SoundMemory()
        passes = TwoPasses(listener, exact, memory, self.second_pass)
        return self.engine.open(passes, GatedSession(self.recognizer, voice, memory))
