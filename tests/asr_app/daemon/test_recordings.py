"""Recordings beside live speech: as exact as `asr transcribe`, in turns, and nobody who speaks waits for them."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from loudness import Loudness

import asr_app.daemon.recordings
from asr_app.audio.file import open_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.daemon.recordings import Recordings
from asr_app.engine.engine import Engine
from asr_app.events import Final
from asr_app.files.hearing import hear
from asr_app.files.segments import Speech
from asr_app.live.event_queue import EventQueue
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance
from asr_app.transcription import transcribe_file

RATE = 16_000
PAUSE = "_" * 8


@pytest.fixture(scope="module")
def recognizer(load: Callable[..., Recognizer]) -> Recognizer:
    return load(chunk_ms=320)


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recordings]:
    monkeypatch.setattr(asr_app.daemon.recordings, "SileroVad", Loudness)
    recordings = Recordings()
    yield recordings
    recordings.close()


def chunks(sound: Samples) -> list[AudioChunk]:
    return [AudioChunk(sound[at : at + 1600], RATE, at) for at in range(0, len(sound), 1600)]


def test_a_recording_is_heard_as_by_transcribe(
    recordings: Recordings,
    recognizer: Recognizer,
    load: Callable[..., Recognizer],
    whistle: Callable[..., Samples],
    tmp_path: Path,
) -> None:
    path = tmp_path / "talk.wav"
    soundfile.write(path, whistle(PAUSE.join(("__tan", "sat_ant", "nas")) + PAUSE), RATE)
    with open_audio(path, sample_rate=RATE) as source:
        heard = list(recordings.transcribe(recognizer, source))
    assert heard == list(transcribe_file(load(chunk_ms=None), path, detector=Loudness()))
    assert [utterance.text for utterance in heard] == ["tan", "sat ant", "nas"]


def test_recordings_take_turns(
    recordings: Recordings,
    recognizer: Recognizer,
    whistle: Callable[..., Samples],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    is_held = threading.Event()

    def slowly(recognizer: Recognizer, speech: Speech) -> Utterance:
        assert is_held.wait(20)
        return hear(recognizer, speech)

    monkeypatch.setattr(asr_app.daemon.recordings, "hear", slowly)

    def transcribe(text: str) -> None:
        told.extend(utterance.text for utterance in recordings.transcribe(recognizer, chunks(whistle(text))))

    long = threading.Thread(target=transcribe, args=(("tan" + PAUSE) * 12,))
    short = threading.Thread(target=transcribe, args=("sat" + PAUSE,))
    long.start()
    short.start()
    is_held.set()
    short.join(20)
    assert len(told) < 6
    long.join(20)
    assert sorted(told) == ["sat", *["tan"] * 12]


def test_live_speech_does_not_wait_for_a_recording(
    recordings: Recordings,
    recognizer: Recognizer,
    whistle: Callable[..., Samples],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began, is_over = threading.Event(), threading.Event()

    def stuck(recognizer: Recognizer, speech: Speech) -> Utterance:
        began.set()
        assert is_over.wait(20)
        return hear(recognizer, speech)

    monkeypatch.setattr(asr_app.daemon.recordings, "hear", stuck)
    told: list[str] = []

    def transcribe() -> None:
        told.extend(utterance.text for utterance in recordings.transcribe(recognizer, chunks(whistle("nas" + PAUSE))))

    recording = threading.Thread(target=transcribe)
    recording.start()
    assert began.wait(20)
    with Engine(recognizer) as engine:
        queue = EventQueue()
        stream = engine.open(queue, engine.recognizer.session())
        for chunk in chunks(whistle("_tan_")):
            assert stream.accept(chunk, timeout_s=20)
        stream.finish()
        assert [event.text for event in queue if isinstance(event, Final)] == ["tan"]
    assert told == []
    is_over.set()
    recording.join(20)
    assert told == ["nas"]


def test_a_run_that_hangs_is_seen(
    recordings: Recordings,
    recognizer: Recognizer,
    whistle: Callable[..., Samples],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []

    def hanging(recognizer: Recognizer, speech: Speech) -> Utterance:
        seen.append(recordings.is_hanging)
        monkeypatch.setattr(asr_app.daemon.recordings, "HANGING_S", 0.0)
        seen.append(recordings.is_hanging)
        return hear(recognizer, speech)

    monkeypatch.setattr(asr_app.daemon.recordings, "hear", hanging)
    assert len(list(recordings.transcribe(recognizer, chunks(whistle("nas" + PAUSE))))) == 1
    assert seen == [False, True]
    assert not recordings.is_hanging
