"""Dictation in the event loop: written text goes to the sink, and what is said to be done is done."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from loudness import Loudness

import asr_app.audio.voice_activity
import asr_app.live.two_passes
from asr_app.audio.live_source import RealTimeFile
from asr_app.audio.types import AudioChunk
from asr_app.daemon.dictation import Dictation, State, StateChanged
from asr_app.daemon.streams import Streams
from asr_app.engine.engine import Engine
from asr_app.engine.stream import Listener
from asr_app.events import Event, Final, Partial, SpeechEnded, Written
from asr_app.live.two_passes import SecondPass
from asr_app.recognizer import Recognizer
from asr_app.text.postprocess import unwritten
from asr_app.text.stages import Token
from asr_app.text.writing import Write, Writing
from asr_app.text.written import written
from asr_app.typing.pace import CommittedWords
from decoder.types import Word

Dictate = Callable[..., tuple[list[str], list[Event]]]


class Memory(list[str]):
    """A sink that remembers."""

    def write(self, text: str) -> None:
        self.append(text)


@pytest.fixture
def dictate(load: Callable[..., Recognizer], recording: Path, monkeypatch: pytest.MonkeyPatch) -> Dictate:
    """A function (what writes, pace=20, exact=None) -> texts in the sink, and events told, of a take nobody stops."""
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)

    async def take(
        engine: Engine, second_pass: SecondPass, write: Write | None, pace: float
    ) -> tuple[list[str], list[Event]]:
        sink, told = Memory(), list[Event]()
        source = RealTimeFile(recording, engine.recognizer.sample_rate, pace=pace)
        dictation = Dictation(lambda _: source, sink, told.append, 1_000)
        dictation.writing = Writing(write) if write else None
        assert await dictation.start(Streams(engine, engine.recognizer, second_pass))
        await dictation.drain(60)
        assert dictation.state is State.IDLE
        return sink, told

    def run(write: Write | None, pace: float = 20.0, exact: Recognizer | None = None) -> tuple[list[str], list[Event]]:
        engine, second_pass = Engine(load(chunk_ms=320).with_exact(exact)), SecondPass()
        try:
            return asyncio.run(take(engine, second_pass, write, pace))
        finally:
            engine.close()
            second_pass.close()

    return run


def louder(final: Final, before: str = "") -> Written:
    return written(final, tuple(Token(word.text.upper(), at, at + 1) for at, word in enumerate(final.words)))


def test_the_sink_gets_written_text_and_subscribers_both(dictate: Dictate) -> None:
    texts, told = dictate(louder)
    assert texts == ["TAN", "SAT", "NAS"]
    raw = [event for event in told if isinstance(event, Final) and not isinstance(event, Written)]
    text = [event for event in told if isinstance(event, Written)]
    assert [event.text for event in raw] == ["tan", "sat", "nas"]
    assert [(event.segment_id, event.revision - 1) for event in text] == [(one.segment_id, one.revision) for one in raw]


@pytest.mark.parametrize("write", [louder, None])
def test_the_sink_gets_each_segment_of_the_second_pass_once(
    dictate: Dictate, load: Callable[..., Recognizer], write: Write | None
) -> None:
    texts, told = dictate(write, exact=load(chunk_ms=None, decoder="greedy"))
    assert [text.lower() for text in texts] == ["tan", "sant", "nas"]  # as the second pass heard it
    finals = [event for event in told if type(event) is Final]
    assert [(final.segment_id, final.text) for final in finals] == [(0, "tan"), (1, "sant"), (2, "nas")]


def test_why_the_second_pass_did_not_write_is_logged_once(
    dictate: Dictate,
    load: Callable[..., Recognizer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(asr_app.live.two_passes, "hear", broken)
    texts, _ = dictate(louder, exact=load(chunk_ms=None))
    assert texts == ["TAN", "SAT", "NAS"]
    assert [message.partition(" (")[0] for message in caplog.messages] == ["the second pass failed"] * 3


def test_without_a_writer_the_sink_gets_what_was_recognised(dictate: Dictate) -> None:
    assert dictate(None)[0] == ["tan", "sat", "nas"]


def test_a_writer_that_fails_says_so_and_the_raw_words_come(dictate: Dictate, caplog: pytest.LogCaptureFixture) -> None:
    texts, told = dictate(lambda final, before="": unwritten(final, "the model broke"))
    assert texts == ["tan", "sat", "nas"]
    assert "the model broke" in caplog.text
    assert all(event.note for event in told if isinstance(event, Written))


class Silence:
    """A source in which nothing is said until it is stopped."""

    name, sample_rate, is_connected, waiting_s = "silence", 16_000, True, 0.0

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to let go of."""

    def __iter__(self) -> Iterator[AudioChunk]:
        self._stopped.wait(60)
        return iter(())

    def stop(self) -> None:
        self._stopped.set()


class Prompter:
    """Streams, and a stream, that hear nothing: listeners are told by the test, a listener for each take."""

    recognizer = SimpleNamespace(sample_rate=16_000)

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    def open(self, listener: Listener) -> Self:
        self.listeners.append(listener)
        return self

    def finish(self) -> None:
        """The test does."""


def dictating(scene: Callable[[Dictation, Any], Awaitable[None]]) -> tuple[list[str], list[Event]]:
    """Plays a scene of a Dictation and its Prompter -> texts in the sink, and events told."""
    sink, told = Memory(), list[Event]()

    async def play() -> None:
        await scene(Dictation(lambda _: Silence(), sink, told.append, 1_000), Prompter())

    asyncio.run(play())
    return sink, told


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(word, 0.0, 0.0, 1.0) for word in text.split())


def test_idle_only_when_no_take_has_words_to_come() -> None:
    async def scene(dictation: Dictation, prompter: Any) -> None:
        for _ in range(2):
            await dictation.start(prompter)
            await dictation.stop()
        for text, listener in zip(("one", "two"), prompter.listeners, strict=True):
            listener.put(Final(0, 1, words(text)))
            listener.close()
        await dictation.drain(60)

    texts, told = dictating(scene)
    assert texts == ["one", "two"]
    states = [event.state for event in told if isinstance(event, StateChanged)]
    assert states == ["listening", "finishing", "listening", "finishing", "idle"]
    assert isinstance(told[-1], StateChanged)


def test_a_take_keeps_the_pace_with_which_it_began() -> None:
    async def scene(dictation: Dictation, prompter: Any) -> None:
        dictation.pace = CommittedWords()
        await dictation.start(prompter)
        dictation.pace = None  # as settings that are read again have it
        await dictation.stop()
        await dictation.start(prompter)
        await dictation.stop()
        for listener in prompter.listeners:
            for event in (
                Partial(0, 0, words("good morning"), 1),
                SpeechEnded(1.0),
                Final(0, 1, words("good morning")),
            ):
                listener.put(event)
            listener.close()
        await dictation.drain(60)

    assert dictating(scene)[0] == ["good", "morning", "good morning"]


def test_stop_ends_the_take_and_writes_nothing(dictate: Dictate) -> None:
    def obey(final: Final, before: str = "") -> Written:
        return written(final, (), action="stop") if final.text == "tan" else louder(final)

    texts, told = dictate(obey, pace=2.0)
    assert "TAN" not in texts
    assert "NAS" not in texts  # it would come five seconds later
    assert next(event for event in told if isinstance(event, Written)).action == "stop"
