"""A live stream: words only where there is speech, numbered and timed as one stream."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from loudness import Loudness

import asr_app.audio.voice_activity
from asr_app.audio.types import AudioChunk, Samples
from asr_app.endpoint import EndpointRules
from asr_app.events import AudioGap, Event, Final, Partial, SpeechEnded, SpeechStarted
from asr_app.live.stream import LiveStream
from asr_app.recognizer import Recognizer, RecognizerSession
from decoder.lexicon_beam import LexiconBeamDecoder

Whistle = Callable[..., Samples]


@pytest.fixture(autouse=True)
def _hear_whistles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)


@pytest.fixture(scope="module")
def recognizer(load: Callable[..., Recognizer]) -> Recognizer:
    return load(chunk_ms=320)


def run(stream: LiveStream, samples: Samples, start: int = 0, dropped: int = 0, size: int = 640) -> list[Event]:
    events: list[Event] = []
    for at in range(0, len(samples), size):
        events += stream.accept(AudioChunk(samples[at : at + size], 16_000, start + at, 0 if at else dropped))
    return events


def finals(events: list[Event]) -> list[tuple[int, str]]:
    return [(event.segment_id, event.text) for event in events if isinstance(event, Final)]


def test_words_have_the_times_of_the_stream(recognizer: Recognizer, whistle: Whistle) -> None:
    samples = whistle("_" * 20 + "tan" + "_" * 30 + "sat" + "_" * 10)
    stream = LiveStream(recognizer)
    events = run(stream, samples) + stream.flush()
    assert finals(events) == [(0, "tan"), (1, "sat")]
    first, second = (event for event in events if isinstance(event, Final))
    assert first.words[0].start_s == pytest.approx(4.0, abs=0.15)
    assert second.words[0].start_s == pytest.approx(10.6, abs=0.15)
    kinds = [type(event) for event in events if not isinstance(event, Partial)]
    assert kinds == [SpeechStarted, Final, SpeechEnded] * 2
    assert {event.segment_id for event in events if isinstance(event, Partial)} == {0, 1}


def test_the_encoder_sleeps_in_silence(
    recognizer: Recognizer, whistle: Whistle, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    feed: Any = RecognizerSession.feed

    def count(session: RecognizerSession, chunk: AudioChunk) -> list[Event]:
        heard.append(len(chunk.samples))
        return list(feed(session, chunk))

    monkeypatch.setattr(RecognizerSession, "feed", count)
    stream = LiveStream(recognizer)
    run(stream, np.zeros(160_000, np.float32))
    assert heard == []
    run(stream, whistle("tan" + "_" * 50), 160_000)
    assert 1.9 < sum(heard) / 16_000 < 2.2  # 0.4 s before, the word, 1 s after
    assert not stream.is_speech


def test_a_word_at_the_very_end_is_whole(recognizer: Recognizer, whistle: Whistle) -> None:
    stream = LiveStream(recognizer)
    assert finals(run(stream, whistle("__tan"))) == []
    assert stream.is_speech
    assert finals(stream.flush()) == [(0, "tan")]
    assert stream.flush() == []


def test_the_stream_goes_on_after_a_flush(recognizer: Recognizer, whistle: Whistle) -> None:
    stream, word = LiveStream(recognizer), whistle("__tan")
    run(stream, word)
    stream.flush()
    events = run(stream, whistle("__sat"), 10 * len(word)) + stream.flush()  # not heard in between: a pause
    assert finals(events) == [(1, "sat")]
    assert not [event for event in events if isinstance(event, AudioGap)]
    last = events[-2]
    assert isinstance(last, Final)
    assert last.words[0].start_s == pytest.approx(10.4, abs=0.15)


def test_a_gap_is_told_and_time_goes_on(recognizer: Recognizer, whistle: Whistle) -> None:
    stream, word = LiveStream(recognizer), whistle("__tan")
    events = run(stream, word)
    events += run(stream, whistle("__sat"), len(word) + 160_000, 160_000) + stream.flush()
    assert [event for event in events if isinstance(event, AudioGap)] == [AudioGap(len(word), 160_000)]
    assert finals(events) == [(0, "tan"), (1, "sat")]
    last = events[-2]
    assert isinstance(last, Final)
    assert last.words[0].start_s == pytest.approx(11.4, abs=0.15)


def hearing_ten(recognizer: Recognizer) -> Recognizer:
    """The recogniser with a word more, which sounds as `tan` does and is rather expected."""
    assert isinstance(recognizer.decoder, LexiconBeamDecoder)
    other = copy.copy(recognizer)
    other.decoder = recognizer.decoder.with_vocabulary([("ten", ("t", "ɑː", "n"))]).with_hotwords({"ten": 9.0})
    return other


def test_a_new_word_is_heard_in_the_next_speech(recognizer: Recognizer, whistle: Whistle) -> None:
    stream, first = LiveStream(recognizer), whistle("__ta")
    events = run(stream, first)
    stream.use(hearing_ten(recognizer))
    events += run(stream, whistle("n" + "_" * 12 + "tan" + "_" * 12), len(first))
    assert finals(events) == [(0, "tan"), (1, "ten")]


def test_a_new_word_is_heard_in_the_next_segment_of_the_same_speech(
    load: Callable[..., Recognizer], whistle: Whistle
) -> None:
    rules = EndpointRules(long_segment_s=0.1, long_trailing_silence_s=0.8, trailing_silence_s=3.0)
    recognizer = load(chunk_ms=320, endpoints=rules)
    stream, said, part = LiveStream(recognizer), whistle("__tan" + "_" * 8), whistle("__ta")
    events = run(stream, said) + run(stream, part, len(said))
    stream.use(hearing_ten(recognizer))
    events += run(stream, np.concatenate((said[len(part) :], said, said)), len(said) + len(part))
    assert not [event for event in events if isinstance(event, SpeechEnded)]
    assert finals(events) == [(0, "tan"), (1, "tan"), (2, "ten"), (3, "ten")]
    last = events[-1]
    assert isinstance(last, Final)
    assert last.words[0].start_s == pytest.approx(3 * len(said) / 16_000 + 0.4, abs=0.15)
