"""A live session: a thread that hears, events that come, a status that is true."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from loudness import Loudness

import asr_app.audio.voice_activity
import asr_app.live.two_passes
from asr_app.audio.types import AudioChunk, Samples
from asr_app.errors import AudioDeviceError, ConfigError
from asr_app.events import AudioGap, Event, Failed, Final
from asr_app.live.session import LiveSession, State
from asr_app.recognizer import Recognizer

Whistle = Callable[..., Samples]


class Script:
    """A live source that says what it is told to; an exception among the items is raised."""

    name, sample_rate = "script", 16_000

    def __init__(self, *items: Samples | Exception | Callable[[], None], error: Exception | None = None) -> None:
        self.items, self.error, self.waiting_s = items, error, 0.0
        self.is_connected = self.is_closed = False
        self.stopped = threading.Event()

    def __enter__(self) -> "Script":
        if self.error:
            raise self.error
        self.is_connected = True
        return self

    def __exit__(self, *_: Any) -> None:
        self.is_closed = True

    def __iter__(self) -> Iterator[AudioChunk]:
        at = 0
        for item in self.items:
            if isinstance(item, Exception):
                raise item
            if not isinstance(item, np.ndarray):
                item()
                continue
            for start in range(0, max(1, len(item)), 1600):
                piece = item[start : start + 1600]
                yield AudioChunk(piece, 16_000, at)
                at += len(piece)
        self.stopped.wait(10)

    def stop(self) -> None:
        self.stopped.set()


@pytest.fixture(autouse=True)
def _hear_whistles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)


@pytest.fixture
def recognizer(load: Callable[..., Recognizer]) -> Recognizer:
    return load(chunk_ms=320)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Final)]


def test_words_come_and_the_last_one_at_stop(recognizer: Recognizer, whistle: Whistle) -> None:
    source = Script(whistle("__tan" + "_" * 8 + "sat"))
    session = LiveSession(recognizer, source)
    session.start()
    until(lambda: session.status.position_s > 3)
    status = session.status
    assert status.state is State.SPEECH
    assert status.device == "script"
    assert -20 < status.level_dbfs < -5
    assert 0 < status.real_time_factor < 5
    session.stop()
    assert texts(list(session.events())) == ["tan", "sat"]
    assert session.join()
    assert session.status.state is State.STOPPED
    assert 0 < session.status.latency_p50_s <= session.status.latency_p95_s < 5
    assert source.is_closed


def test_a_second_recogniser_writes_the_finals_and_can_be_changed(
    load: Callable[..., Recognizer], recognizer: Recognizer, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard_by: list[Recognizer] = []
    again = asr_app.live.two_passes.hear
    monkeypatch.setattr(
        asr_app.live.two_passes, "hear", lambda exact, speech: (heard_by.append(exact), again(exact, speech))[1]
    )
    first, second = load(chunk_ms=None), load(chunk_ms=None, decoder="greedy")
    session = LiveSession(
        recognizer.with_exact(first),
        Script(
            whistle("__tan" + "_" * 10),
            lambda: until(lambda: len(heard_by) == 1),
            lambda: session.use(recognizer.with_exact(second)),
            whistle("sat_____"),
        ),
    )
    session.start()
    session.stop()
    finals = [event for event in session.events() if isinstance(event, Final)]
    assert [(final.segment_id, final.text, final.note) for final in finals] == [(0, "tan", ""), (1, "sat", "")]
    assert heard_by == [first, second]


def test_a_pause_hears_nothing_and_keeps_what_was_said(recognizer: Recognizer, whistle: Whistle) -> None:
    session = LiveSession(
        recognizer,
        Script(
            whistle("__tan"),
            lambda: session.pause(),
            whistle("__sat__"),
            lambda: (states.append(session.status.state), session.resume())[0],
            whistle("__ant_____"),
        ),
    )
    states: list[State] = []
    session.start()
    until(lambda: session.status.position_s > 4.3)
    session.stop()
    events = list(session.events())
    assert texts(events) == ["tan", "ant"]
    assert states == [State.PAUSED]
    assert not [event for event in events if isinstance(event, AudioGap)]


def test_what_was_captured_before_a_pause_is_heard(recognizer: Recognizer, whistle: Whistle) -> None:
    late = whistle("sat__")

    def pause_behind() -> None:
        source.waiting_s = len(late) / 16_000
        session.pause()
        source.waiting_s = 0.0

    source = Script(whistle("__tan__"), pause_behind, late, whistle("_ant_____"))
    session = LiveSession(recognizer, source)
    session.start()
    session.stop()
    assert texts(list(session.events())) == ["tan sat"]
    assert session.status.state is State.STOPPED


def test_a_lost_device_ends_the_speech_and_not_the_session(recognizer: Recognizer, whistle: Whistle) -> None:
    def lose() -> None:
        source.is_connected = False

    def wait() -> None:
        heard.append(next(event for event in events if isinstance(event, Final)))
        states.append(session.status.state)
        session.pause()
        states.append(session.status.state)  # lest the key that pauses should not resume
        session.resume()
        source.is_connected = True

    source = Script(whistle("__tan"), lose, np.zeros(0, np.float32), wait, whistle("__sat"))
    session, heard, states = LiveSession(recognizer, source), list[Final](), list[State]()
    events = session.events()
    session.start()
    until(lambda: session.status.position_s > 1.9)
    session.stop()
    assert texts([*heard, *events]) == ["tan", "sat"]
    assert states == [State.RECONNECTING, State.PAUSED]


def test_a_failure_is_told_after_what_was_said(recognizer: Recognizer, whistle: Whistle) -> None:
    session = LiveSession(recognizer, Script(whistle("__tan"), AudioDeviceError("it is gone: buy another")))
    session.start()
    events = list(session.events())
    assert texts(events) == ["tan"]
    assert events[-1] == Failed("it is gone: buy another")
    assert session.status.state is State.FAILED


def test_a_bug_is_told_too(recognizer: Recognizer) -> None:
    session = LiveSession(recognizer, Script(ZeroDivisionError("by zero")))
    session.start()
    (event,) = session.events()
    assert isinstance(event, Failed)
    assert "internal error: ZeroDivisionError: by zero" in event.message


def test_a_source_that_cannot_be_opened_is_the_callers_error(recognizer: Recognizer) -> None:
    session = LiveSession(recognizer, Script(error=AudioDeviceError("no microphone: plug one in")))
    with pytest.raises(AudioDeviceError, match="plug one in"):
        session.start()


def test_a_session_that_cannot_begin_leaves_no_thread(recognizer: Recognizer) -> None:
    before = set(threading.enumerate())
    both = recognizer.with_exact(recognizer.with_full_context())
    session = LiveSession(both, Script(error=AudioDeviceError("no microphone: plug one in")))
    with pytest.raises(AudioDeviceError):
        session.start()
    both.sample_rate = 8_000
    with pytest.raises(ConfigError, match="16000 Hz"):
        LiveSession(both, Script())
    deadline = time.monotonic() + 10
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_before_the_first_word_there_is_no_latency(recognizer: Recognizer) -> None:
    status = LiveSession(recognizer, Script()).status
    assert math.isnan(status.latency_p50_s)
    assert (status.state, status.dropped_s) == (State.RECONNECTING, 0.0)
