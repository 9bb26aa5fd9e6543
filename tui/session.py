"""What the screen needs of the program behind it: a dictation session, and the place where sessions are opened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from asr_app.events import Event, Final, Partial


class State(StrEnum):
    """What a session is doing."""

    LOADING = "loading"
    LISTENING = "listening"
    SPEECH = "speech"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Status:
    """A session at one moment.

    level_dbfs: level of the last sound, 0 is full scale.
    latency_ms: median and 95th percentile from the end of a word in the audio to its being known; None before any.
    real_time_factor: seconds of work for a second of audio.
    time_s, dropped_s: seconds of audio since the start, and how much of it was lost.
    recording: the file that the audio is written to.
    recording_failure: why it is no longer written; empty while all goes well.
    """

    state: State
    device: str = ""
    model: str = ""
    level_dbfs: float = -90.0
    latency_ms: tuple[float, float] | None = None
    real_time_factor: float | None = None
    time_s: float = 0.0
    dropped_s: float = 0.0
    recording: str | None = None
    recording_failure: str = ""


class DictationSession(Protocol):
    """One run of a microphone through a recogniser. Every method may be called from any thread."""

    def events(self) -> Iterator[Event]:
        """What is heard, as it is heard; ends when the session does. For one thread, which it blocks."""
        ...

    def status(self) -> Status:
        """Now; never waits."""
        ...

    def spectrum(self) -> Sequence[Sequence[float]]:
        """Mel columns since the last call, oldest first, bands from low to high, loudness in [0, 1]; never waits."""
        ...

    def pause(self) -> None:
        """Listen no more, until resume."""
        ...

    def resume(self) -> None:
        """Listen again."""
        ...

    def stop(self) -> None:
        """End the session; its last finals still come out of events. Again does nothing."""
        ...


class Sessions(Protocol):
    """Opens sessions; every method may take seconds and raises AsrError where it cannot do its work."""

    def open(self, model: str | None, device: str | None) -> DictationSession:
        """A session that has begun; None is what the user's settings say."""
        ...

    def models(self) -> Sequence[str]:
        """Names to choose from."""
        ...

    def devices(self) -> Sequence[str]:
        """Names of inputs to choose from."""
        ...

    def add_word(self, written: str, sounds_like: str | None) -> None:
        """Expect a word or phrase from the next segment on, and in later sessions.

        sounds_like: how it is said, in English words; None where its spelling tells.
        """
        ...


class Journal(Protocol):
    """Where the transcript is kept in case of a crash; its methods raise AsrError where they cannot write."""

    def keep(self, final: Final) -> None:
        """Keep a segment in place of what was kept of it before."""
        ...

    def keep_in_progress(self, partial: Partial) -> None:
        """Keep the words of a segment that is not finished, unless that was done a moment ago."""
        ...

    def drop(self, segment_id: int) -> None:
        """Keep nothing of a segment."""
        ...


class Writer(Protocol):
    """A format of transcripts."""

    def __call__(self, segments: Sequence[Final], /) -> str:
        """The whole document."""
        ...


Writers = Mapping[str, Writer]
"""Formats by the suffix of their files, without the dot; the first is the default."""
