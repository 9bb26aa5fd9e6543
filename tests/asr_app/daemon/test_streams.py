"""Live streams of clients, whatever they speak: finals of the second pass, and nothing heard in silence."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import serving
import storm
from loudness import Loudness
from serving import House, ask, call, pcm

import asr_app.audio.voice_activity
import asr_app.live.two_passes
from asr_app.audio.types import AudioChunk, Samples
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import Binding
from asr_app.daemon.streams import Streams
from asr_app.engine.engine import Engine
from asr_app.files.segments import Speech
from asr_app.live.event_queue import EventQueue
from asr_app.live.two_passes import SecondPass
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance
from decoder.types import Word

open_house = serving.open_house
RATE = serving.RATE


def louder(recognizer: Recognizer, speech: Speech) -> Utterance:
    """Stands for the second pass: says how long the speech is."""
    return Utterance((Word(f"{len(speech.samples) / RATE:.0f}", speech.start_s, speech.end / RATE, 0.9),))


@pytest.fixture
def house(
    open_house: object, load: Callable[..., Recognizer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    monkeypatch.setattr(asr_app.live.two_passes, "hear", louder)
    recognizer = load(chunk_ms=320)
    both = recognizer.with_exact(recognizer.with_full_context())
    with House(both, tmp_path, Limits(), Binding()) as house:
        yield house


@pytest.mark.parametrize("protocol", ["realtime", "vosk", "wyoming", "wyoming at a Unix socket"])
def test_the_final_is_of_the_second_pass(house: House, whistle: Callable[..., Samples], protocol: str) -> None:
    sound = pcm(whistle("__tan_sat____"))
    assert storm.speakers(house.addresses, sound)[protocol]() == "2"


def test_words_are_shown_before_their_final(house: House, whistle: Callable[..., Samples]) -> None:
    def asked_until(found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while not found(reply := ask(client, b"")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return reply

    with call(house.addresses.vosk_port) as client:
        ask(client, pcm(whistle("__tan___")))
        asked_until(lambda reply: reply["partial"] == "tan")
        ask(client, pcm(whistle("_" * 8)))
        assert asked_until(lambda reply: "text" in reply)["text"] == "1"
        assert ask(client, '{"eof": 1}')["text"] == ""


def test_what_was_done_between_two_looks_is_known(house: House, whistle: Callable[..., Samples]) -> None:
    assert house.service.work_done == (0, 0)
    speak = storm.speakers(house.addresses, pcm(whistle("__tan____")))
    speak["vosk"]()
    speak["rest"]()
    assert house.service.work_done == (1, 1)
    deadline = time.monotonic() + 20
    while not house.service.is_idle:  # the request's thread may still be at its end
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stream_of_silence_holds_nothing(load: Callable[..., Recognizer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
    recognizer, second_pass, heard = load(chunk_ms=320), SecondPass(), EventQueue()
    with Engine(recognizer) as engine:
        stream = Streams(engine, recognizer.with_exact(recognizer), second_pass).open(heard)
        for second in range(5):
            assert stream.accept(AudioChunk(np.zeros(RATE, np.float32), RATE, second * RATE), timeout_s=10)
        stream.finish()
        assert list(heard) == []
        assert engine.status.chunks == 0
    second_pass.close()
