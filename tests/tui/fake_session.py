"""A dictation that is played by a script: nothing listens, nothing waits for a clock."""

import json
import math
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from asr_app.errors import AsrError, AudioDeviceError, ConfigError
from asr_app.events import Event, Final, Partial
from decoder.types import Word
from tui.app import DictationApp
from tui.session import State, Status

TEXTS = (
    "the kettle is on the stove and the water is nearly boiling",
    "please write to the office in Zurich that the train will be forty minutes late and that nobody has to wait",
    "bread and milk and two pounds of apples",
)


def words(text: str, start_s: float = 0.0, confidence: float = 0.95) -> tuple[Word, ...]:
    """The words of a text, 0.4 s each."""
    return tuple(
        Word(word, start_s + 0.4 * k, start_s + 0.4 * k + 0.35, confidence) for k, word in enumerate(text.split())
    )


class FakeSession:
    """A session that says what a test puts into it."""

    def __init__(self, model: str, device: str) -> None:
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._status = Status(State.LISTENING, device, model, -42.0, (310.0, 620.0), 0.24, 62.0)
        self.calls: list[str] = []
        self.columns: list[Sequence[float]] = []

    def say(self, *events: Event) -> None:
        for event in events:
            self._events.put(event)

    def end(self) -> None:
        self._events.put(None)

    def change(self, **fields: object) -> None:
        self._status = replace(self._status, **fields)  # type: ignore[arg-type]

    def events(self) -> Iterator[Event]:
        yield from iter(self._events.get, None)

    def status(self) -> Status:
        return self._status

    def spectrum(self) -> Sequence[Sequence[float]]:
        columns, self.columns = self.columns, []
        return columns

    def pause(self) -> None:
        self.calls.append("pause")
        self.change(state=State.PAUSED)

    def resume(self) -> None:
        self.calls.append("resume")
        self.change(state=State.LISTENING)

    def stop(self) -> None:
        self.calls.append("stop")
        self.end()


class FakeSessions:
    """Opens fake sessions; remembers them."""

    def __init__(self) -> None:
        self.opened: list[FakeSession] = []
        self.asked: list[tuple[str | None, str | None]] = []
        self.added: list[tuple[str, str | None]] = []

    @property
    def now(self) -> FakeSession:
        return self.opened[-1]

    def open(self, model: str | None, device: str | None) -> FakeSession:
        self.asked.append((model, device))
        if device == "Broken Microphone":
            raise AudioDeviceError("Broken Microphone cannot be opened: choose another one")
        self.opened.append(FakeSession(model or "english", device or "USB Microphone"))
        return self.now

    def models(self) -> Sequence[str]:
        return ("english", "english-large")

    def devices(self) -> Sequence[str]:
        return ("USB Microphone", "Built-in Microphone", "Broken Microphone")

    def add_word(self, written: str, sounds_like: str | None) -> None:
        if not written.isascii():
            raise ConfigError(f"the entry {written!r} cannot be spelled in the letters a-z: spell it in these")
        self.added.append((written, sounds_like))


class FakeJournal:
    """Remembers what it is to keep."""

    def __init__(self) -> None:
        self.kept: dict[int, str] = {}
        self.broken: AsrError | None = None

    def keep(self, final: Final) -> None:
        if self.broken:
            raise self.broken
        self.kept[final.segment_id] = final.text

    def keep_in_progress(self, partial: Partial) -> None:
        self.kept[partial.segment_id] = partial.text

    def drop(self, segment_id: int) -> None:
        self.kept.pop(segment_id, None)


def script() -> list[Event]:
    """Three finished segments, and a fourth in progress."""
    events: list[Event] = [
        Final(number, 3, words(text, start_s))
        for number, (text, start_s) in enumerate(zip(TEXTS, (2.0, 14.0, 65.0), strict=True))
    ]
    return [*events, Partial(3, 1, words("and do not forget the candles", 73.0), 4)]


def spectrum(columns: int = 200) -> list[Sequence[float]]:
    """Two formants that move."""
    return [
        [
            max(0.0, 1 - abs(band - 4 - 3 * math.sin(at / 9)) / 3) * (0.6 + 0.4 * math.sin(at / 4))
            + 0.7 * max(0.0, 1 - abs(band - 11 - 2 * math.cos(at / 7)) / 2)
            for band in range(16)
        ]
        for at in range(columns)
    ]


class StillApp(DictationApp):
    """A program whose figures change only when a test says so."""

    def _look(self) -> None:
        """No clock."""


def make_app(
    sessions: FakeSessions, journal: FakeJournal | None = None, kind: type[DictationApp] = DictationApp, **more: object
) -> DictationApp:
    """The program with fakes behind it."""

    def lines(finals: Sequence[Final]) -> str:
        return "".join(f"{final.text}\n" for final in finals)

    writers: dict[str, Callable[[Sequence[Final]], str]] = {
        "txt": lines,
        "srt": lambda finals: f"1\n{lines(finals)}",
        "vtt": lambda finals: f"WEBVTT\n{lines(finals)}",
        "json": lambda finals: json.dumps([final.text for final in finals]),
    }
    return kind(sessions, writers, "dictation", journal, **more)  # type: ignore[arg-type]
