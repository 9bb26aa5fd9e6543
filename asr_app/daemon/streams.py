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

    def open(self, listener: Listener, voice: VoiceActivityOptions | None = None) -> "LiveStream":
        """A stream of chunks at the recogniser's sample rate; EngineError where the engine takes no more.

        voice: what the stream takes for speech; see GatedSession.
        """
        exact = self.recognizer.exact
        if exact is None:
            session, passes = GatedSession(self.recognizer, voice), None
        else:
            memory = SoundMemory()
            session = GatedSession(self.recognizer, voice, memory)
            passes = TwoPasses(listener, exact, memory, self.second_pass)
        return LiveStream(self.engine.open(passes or listener, session), session, passes)


class LiveStream:
    """A client's stream: accept, finish and cancel are those of EngineStream."""

    def __init__(self, stream: EngineStream, session: GatedSession, passes: TwoPasses | None) -> None:
        """passes: None where there is no second one."""
        self.accept, self.finish, self.cancel = stream.accept, stream.finish, stream.cancel
        self._session, self._passes = session, passes

    def use(self, recognizer: Recognizer) -> None:
        """Hear with another recogniser, of the same acoustic model, from the next segment on; from any thread."""
        self._session.use(recognizer)
        if self._passes and recognizer.exact:
            self._passes.use(recognizer.exact)
