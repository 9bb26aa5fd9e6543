"""Where recordings are cut: the same places however they are read, nothing said is lost, nothing gets long."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from loudness import Loudness

from asr_app.audio.silero import FRAME, SileroVad
from asr_app.audio.types import AudioChunk, Samples
from asr_app.files.segments import Segmenter, SoundDetector, Speech

RATE = 16_000
Whistle = Callable[..., Samples]


def chunks(samples: Samples, size: int = RATE, first: int = 0) -> Iterator[AudioChunk]:
    for start in range(0, len(samples), size):
        yield AudioChunk(samples[start : start + size], RATE, first + start)


def places(found: Iterator[Speech]) -> list[tuple[int, int]]:
    return [(speech.start, speech.end) for speech in found]


def cut(samples: Samples, first: int = 0) -> list[tuple[int, int]]:
    return places(Segmenter(Loudness()).segments(chunks(samples, first=first)))


def test_silence_is_left_out(whistle: Whistle) -> None:
    samples = whistle("_" * 20 + "tan" + "_" * 20 + "sat" + "_" * 20)
    (first, second) = cut(samples)
    for (start, end), said in ((first, 4.0), (second, 8.6)):
        assert said - 0.6 < start / RATE < said - 0.3
        assert said + 0.6 + 0.3 < end / RATE < said + 0.6 + 0.6


def test_it_gives_the_samples_of_the_recording(whistle: Whistle) -> None:
    samples = whistle("___tan_______nas__")
    for speech in Segmenter(Loudness()).segments(chunks(samples)):
        there = samples[speech.start : speech.end]
        np.testing.assert_array_equal(speech.samples[: len(there)], there)


@pytest.mark.parametrize("size", [160, FRAME, 7777, 10**6])
def test_places_do_not_depend_on_how_it_is_read(whistle: Whistle, size: int) -> None:
    samples = whistle("___tan_______nas__sat__________tas")
    assert places(Segmenter(Loudness()).segments(chunks(samples, size))) == cut(samples)


def test_places_count_from_the_recordings_start(whistle: Whistle) -> None:
    samples = whistle("___tan____")
    assert cut(samples, first=RATE) == [(start + RATE, end + RATE) for start, end in cut(samples)]


def test_a_long_talk_is_cut_at_short_pauses_and_endless_sound_anyway(whistle: Whistle) -> None:
    talk = np.concatenate([whistle("tan" * 6 + "_")] * 20)  # 3.6 s of sound, 0.2 s of silence
    lengths = [(end - start) / RATE for start, end in cut(talk)]
    assert 2 <= len(lengths) <= 4
    assert max(lengths) < 30
    endless = np.full(150 * RATE, 0.5, np.float32)
    found = cut(endless)
    assert max(end - start for start, end in found) <= 62 * RATE
    assert sum(end - start for start, end in found) >= len(endless)  # nothing is lost between


def test_clicks_and_silence_are_no_speech() -> None:
    clicks = np.zeros(20 * RATE, np.float32)
    clicks[::RATE] = 1.0
    assert cut(clicks) == []
    assert cut(np.zeros(0, np.float32)) == []


def test_the_network_is_not_asked_about_digital_silence() -> None:
    class Unwilling(Loudness):
        def probabilities(self, frames: Samples) -> Samples:
            raise AssertionError

    assert list(Segmenter(Unwilling()).segments(chunks(np.full(5 * RATE, 5e-5, np.float32)))) == []


def test_noise_is_sound_and_no_speech() -> None:
    noise = np.random.default_rng(2).normal(0, 0.01, 4 * RATE).astype(np.float32)
    assert len(places(Segmenter(SoundDetector()).segments(chunks(noise)))) == 1
    assert places(Segmenter(SileroVad()).segments(chunks(noise))) == []
