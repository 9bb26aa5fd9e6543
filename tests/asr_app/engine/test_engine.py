"""The engine: many streams as one batch, each as if it were alone; what fails, fails alone."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from loudness import Loudness
from tape import Tape

import asr_app.audio.voice_activity
from asr_app.audio.types import AudioChunk, Samples
from asr_app.engine.engine import Engine
from asr_app.engine.gate import GatedSession
from asr_app.engine.limits import EngineLimits
from asr_app.engine.stream import EngineStream
from asr_app.errors import EngineError
from asr_app.events import AudioGap, Event, Failed, Final, Partial, SpeechEnded, SpeechStarted
from asr_app.live.event_queue import EventQueue
from asr_app.live.stream import LiveStream
from asr_app.recognizer import Recognizer

Whistle = Callable[..., Samples]
Listen = Callable[..., list[Event]]
RATE = 16_000
PHRASES = ("_tan_sat_", "ant", "__nas__tas_ant_", "_tas_tan__________sat_", "_")


@pytest.fixture(scope="module")
def recognizer(load: Callable[..., Recognizer]) -> Recognizer:
    return load(chunk_ms=320)


@pytest.fixture
def engine(recognizer: Recognizer) -> Iterator[Engine]:
    with Engine(recognizer, EngineLimits(queue_s=60.0)) as engine:
        yield engine


class Faulty:
    """A recogniser whose acoustic model is watched, held up or broken."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self.sizes: list[int] = []
        self.held = threading.Event()
        self.held.set()
        self.bad: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.recognizer, name)

    @property
    def acoustic(self) -> "Faulty":
        return self

    def step(self, streams: Sequence[Any]) -> Any:
        self.sizes.append(len(streams))
        assert self.held.wait(20)
        if self.bad in streams:
            raise RuntimeError("out of memory")
        return self.recognizer.acoustic.step(streams)


def feed(stream: EngineStream, samples: Samples, size: int = 1600) -> None:
    for at in range(0, len(samples), size):
        assert stream.accept(AudioChunk(samples[at : at + size], RATE, at), timeout_s=20)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_streams_side_by_side_hear_what_each_hears_alone(
    engine: Engine, recognizer: Recognizer, whistle: Whistle, listen: Listen
) -> None:
    tapes = [Tape() for _ in PHRASES]
    streams = [engine.open(tape, engine.recognizer.session()) for tape in tapes]
    sounds = [whistle(text) for text in PHRASES]
    for at in range(0, max(map(len, sounds)), 1600):  # interleaved, some ending before others
        for stream, sound in zip(streams, sounds, strict=True):
            if at < len(sound):
                assert stream.accept(AudioChunk(sound[at : at + 1600], RATE, at))
    for stream in streams:
        stream.finish()
    for tape, sound in zip(tapes, sounds, strict=True):
        alone = [event for event in listen(recognizer, sound) if isinstance(event, Final)]
        together = [event for event in tape.wait() if isinstance(event, Final)]
        assert [event.text for event in together] == [event.text for event in alone]
        for one, other in zip(together, alone, strict=True):
            assert [word.start_s for word in one.words] == [word.start_s for word in other.words]
    assert engine.status.chunks > engine.status.steps  # some were batched
    until(lambda: engine.status.live == 0)


class LateVoice:
    """A speech detector that finds speech from a frame on."""

    def __init__(self, first: int) -> None:
        self.first, self.frames = first, 0

    def probabilities(self, frames: Samples) -> Samples:
        numbers = self.frames + np.arange(len(frames))
        self.frames += len(frames)
        return np.where(numbers >= self.first, 0.9, 0.1).astype(np.float32)

    def reset(self) -> None:
        self.frames = 0


def test_speech_that_ends_with_the_stream_is_told_in_order(
    engine: Engine, recognizer: Recognizer, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short word, let go of at once: the gate opens only when the stream is closed."""
    sound = np.concatenate([np.zeros(512 * 8, np.float32), whistle("ant")[: 512 * 3 + 100]])
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", lambda: LateVoice(8))
    tape = Tape()
    stream = engine.open(tape, GatedSession(recognizer))
    feed(stream, sound, size=512 * 8)
    stream.finish()
    told = [type(event) for event in tape.wait()]
    assert told[0] is SpeechStarted
    assert told.count(SpeechStarted) == told.count(SpeechEnded) == 1
    assert told.index(SpeechStarted) < told.index(SpeechEnded)


def test_an_event_queue_is_a_listener(engine: Engine, whistle: Whistle) -> None:
    queue = EventQueue()
    stream = engine.open(queue, engine.recognizer.session())
    feed(stream, whistle("_tan_"))
    stream.finish()
    assert [event.text for event in queue if isinstance(event, Final)] == ["tan"]


def test_a_gate_gives_what_a_live_stream_gives(
    engine: Engine, recognizer: Recognizer, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
    sound = whistle("_" * 9 + "tan" + "_" * 12 + "sat_ant" + "_" * 9 + "nas")
    live, events = LiveStream(recognizer), list[Event]()
    tape = Tape()
    stream = engine.open(tape, GatedSession(recognizer))
    for at in range(0, len(sound), 1600):
        chunk = AudioChunk(sound[at : at + 1600], RATE, at)
        events += live.accept(chunk)
        assert stream.accept(chunk)
    stream.finish()
    events += live.flush()
    assert told(tape.wait()) == told(events)
    assert tape.texts == ["tan", "sat ant", "nas"]


def told(events: list[Event]) -> list[Any]:
    return [
        (event.segment_id, event.text, [word.start_s for word in event.words]) if isinstance(event, Final) else event
        for event in events
        if not isinstance(event, Partial)
    ]


def test_a_gate_tells_of_gaps_and_silence_is_not_stepped(
    engine: Engine, recognizer: Recognizer, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
    tape = Tape()
    stream = engine.open(tape, GatedSession(recognizer))
    feed(stream, np.zeros(5 * RATE, np.float32))
    stream.accept(AudioChunk(whistle("tan"), RATE, 7 * RATE, dropped_before=2 * RATE))
    until(lambda: engine.status.waiting_s == 0)
    assert engine.status.steps <= 3
    stream.finish()
    kinds = [type(event) for event in tape.wait() if not isinstance(event, Partial)]
    assert kinds == [AudioGap, SpeechStarted, Final, SpeechEnded]


def test_another_sample_rate_behind_a_gate_fails_that_stream(engine: Engine, recognizer: Recognizer) -> None:
    tape = Tape()
    engine.open(tape, GatedSession(recognizer)).accept(AudioChunk(np.zeros(800, np.float32), 8000, 0))
    (event,) = tape.wait()
    assert isinstance(event, Failed)
    assert "resample it to 16000 Hz" in event.message


def test_one_broken_stream_in_a_batch_fails_alone(recognizer: Recognizer, whistle: Whistle) -> None:
    faulty, tapes = Faulty(recognizer), [Tape() for _ in range(3)]
    with Engine(faulty, EngineLimits(queue_s=60.0)) as engine:  # type: ignore[arg-type]
        faulty.held.clear()
        streams = [engine.open(tape, engine.recognizer.session()) for tape in tapes]
        faulty.bad = streams[1].acoustic
        for stream in streams:
            feed(stream, whistle("_tan_sat_"))
            stream.finish()
        faulty.held.set()
        assert [tape.texts for tape in tapes] == [["tan sat"], [], ["tan sat"]]
        (failed,) = tapes[1].events
        assert isinstance(failed, Failed)
        assert failed.message.startswith("internal error: RuntimeError: out of memory")
        assert engine.status.failure is None


@pytest.mark.parametrize("gated", [False, True])
def test_what_was_understood_before_a_failure_is_told(
    recognizer: Recognizer, whistle: Whistle, gated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
    faulty, tape = Faulty(recognizer), Tape()
    with Engine(faulty, EngineLimits(queue_s=60.0)) as engine:  # type: ignore[arg-type]
        session = GatedSession(recognizer) if gated else recognizer.session()
        stream = engine.open(tape, session)
        feed(stream, whistle("_tan_sat"))
        until(lambda: engine.status.waiting_s == 0 and any(isinstance(event, Partial) for event in tape.events))
        faulty.bad = session.acoustic
        feed(stream, whistle("_nas" * 5))
        *_, final, failed = tape.wait()
    assert isinstance(failed, Failed)
    assert isinstance(final, Final)
    assert final.text.startswith("tan")


def test_sound_that_is_no_number_harms_nobody_else(engine: Engine, whistle: Whistle) -> None:
    good, bad = Tape(), Tape()
    streams = engine.open(good, engine.recognizer.session()), engine.open(bad, engine.recognizer.session())
    feed(streams[1], np.full(RATE, np.nan, np.float32))
    feed(streams[0], whistle("_tan_sat_"))
    for stream in streams:
        stream.finish()
    assert good.texts == ["tan sat"]
    assert bad.wait() == [] or isinstance(bad.events[-1], Failed | Final)


def test_a_listener_that_fails_loses_its_stream_only(engine: Engine, whistle: Whistle) -> None:
    class Broken(Tape):
        def put(self, event: Event) -> None:
            raise OSError("gone")

    broken, good = Broken(), Tape()
    streams = engine.open(broken, engine.recognizer.session()), engine.open(good, engine.recognizer.session())
    for stream in streams:
        feed(stream, whistle("_tan_"))
        stream.finish()
    assert good.texts == ["tan"]
    assert broken.wait() == []


def test_an_engine_that_dies_tells_everybody(recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape()
    with Engine(recognizer) as engine:
        stream = engine.open(tape, engine.recognizer.session())
        monkeypatch.setattr(engine, "_turn", lambda: 1 / 0)
        stream.finish()
        (event,) = tape.wait()
        assert isinstance(event, Failed)
        assert "ZeroDivisionError" in event.message
        assert "ZeroDivisionError" in (engine.status.failure or "")
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            engine.open(Tape(), engine.recognizer.session())


def test_closing_tells_the_streams_in_progress(recognizer: Recognizer) -> None:
    engine, tape = Engine(recognizer), Tape()
    engine.open(tape, engine.recognizer.session())
    engine.close()
    (event,) = tape.wait()
    assert isinstance(event, Failed)
    assert "start it again" in event.message


def test_a_retired_engine_ends_what_is_open(recognizer: Recognizer, whistle: Whistle) -> None:
    engine, tape = Engine(recognizer), Tape()
    stream = engine.open(tape, engine.recognizer.session())
    engine.retire()
    with pytest.raises(EngineError):
        engine.open(Tape(), engine.recognizer.session())
    feed(stream, whistle("_tan_"))
    stream.finish()
    assert tape.texts == ["tan"]
    until(lambda: "engine" not in [thread.name for thread in threading.enumerate()])


def test_too_many_streams_are_refused(recognizer: Recognizer) -> None:
    with Engine(recognizer, EngineLimits(streams=2)) as engine:
        first = engine.open(Tape(), engine.recognizer.session())
        engine.open(Tape(), engine.recognizer.session())
        with pytest.raises(EngineError, match="2 streams are open"):
            engine.open(Tape(), engine.recognizer.session())
        first.cancel()
        until(lambda: engine.status.live == 1)
        engine.open(Tape(), engine.recognizer.session())


def test_a_full_queue_makes_its_client_wait(recognizer: Recognizer, whistle: Whistle) -> None:
    faulty, tape = Faulty(recognizer), Tape()
    with Engine(faulty, EngineLimits(queue_s=0.5)) as engine:  # type: ignore[arg-type]
        faulty.held.clear()
        stream, sound = engine.open(tape, engine.recognizer.session()), whistle("_tan_sat_")
        taken = [stream.accept(AudioChunk(sound[at : at + 1600], RATE, at), 0.01) for at in range(0, RATE * 2, 1600)]
        assert taken[0]
        assert not any(taken[-5:])
        assert stream.waiting_s <= 0.6
        threading.Timer(0.05, faulty.held.set).start()
        assert stream.accept(AudioChunk(sound[:1600], RATE, 0), 20)
        stream.cancel()
        assert tape.wait() == [] or not tape.texts


def test_a_cancelled_stream_says_no_more_words(recognizer: Recognizer, whistle: Whistle) -> None:
    faulty, tape = Faulty(recognizer), Tape()
    with Engine(faulty, EngineLimits(queue_s=60.0)) as engine:  # type: ignore[arg-type]
        faulty.held.clear()
        stream = engine.open(tape, engine.recognizer.session())
        feed(stream, whistle("_tan_sat_"))
        stream.cancel()
        faulty.held.set()
        assert tape.texts == []
        assert stream.accept(AudioChunk(whistle("tan"), RATE, 0))  # a client that did not notice yet


def test_after_finish_nothing_is_accepted(engine: Engine) -> None:
    stream = engine.open(Tape(), engine.recognizer.session())
    stream.finish()
    with pytest.raises(ValueError, match="open a new one"):
        stream.accept(AudioChunk(np.zeros(10, np.float32), RATE, 0))
