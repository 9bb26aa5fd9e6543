"""The gate: opens before the first sound, shuts after the last, and keeps time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loudness import Loudness

from asr_app.audio.silero import FRAME
from asr_app.audio.types import AudioChunk, Samples
from asr_app.audio.voice_activity import SpeechGate, VoiceActivityOptions
from asr_app.events import SpeechEnded, SpeechStarted

OPTIONS = VoiceActivityOptions(pre_roll_s=0.32, hangover_s=0.64)
FRAME_S = FRAME / 16_000


def script(text: str) -> Samples:
    """A frame for each letter: `#` is loud, `.` is silent, `-` is between start and end."""
    return np.repeat([{"#": 0.5, ".": 0.0, "-": 0.2}[letter] for letter in text], FRAME).astype(np.float32)


def run(samples: Samples, size: int = 1600) -> list[AudioChunk | SpeechStarted | SpeechEnded]:
    gate, items = SpeechGate(OPTIONS, Loudness()), list[AudioChunk | SpeechStarted | SpeechEnded]()
    for start in range(0, len(samples), size):
        items += gate.accept(AudioChunk(samples[start : start + size], 16_000, start))
    return items + list(gate.close())


def heard(items: list[AudioChunk | SpeechStarted | SpeechEnded]) -> list[tuple[int, int]]:
    """Runs of frames that were let through, each as start and end."""
    runs: list[tuple[int, int]] = []
    for item in items:
        if isinstance(item, AudioChunk) and len(item.samples):
            start, end = item.start_sample / FRAME, (item.start_sample + len(item.samples)) / FRAME
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], end)  # type: ignore[assignment]
            else:
                runs.append((start, end))  # type: ignore[arg-type]
    return runs


def times(items: list[AudioChunk | SpeechStarted | SpeechEnded]) -> list[float]:
    return [round(item.time_s / FRAME_S, 6) for item in items if not isinstance(item, AudioChunk)]


def test_pre_roll_comes_first_and_silence_last() -> None:
    items = run(script("." * 20 + "#" * 10 + "." * 40))
    assert times(items) == [20, 30]
    assert heard(items) == [(10, 50)]  # ten frames before, twenty after


def test_silence_passes_nothing() -> None:
    assert run(script("." * 200)) == []


def test_a_click_is_no_speech() -> None:
    assert run(script(".....##...#.##.-----..")) == []


def test_what_is_in_between_keeps_the_gate_open() -> None:
    assert times(run(script("###" + "-" * 30 + "." * 30))) == [0, 33]


def test_speech_is_heard_as_it_comes() -> None:
    gate, samples = SpeechGate(OPTIONS, Loudness()), script("#" * 30)
    assert list(gate.accept(AudioChunk(samples[: 5 * FRAME], 16_000, 0)))
    for start in range(5 * FRAME, len(samples), 100):
        (chunk, *rest) = gate.accept(AudioChunk(samples[start : start + 100], 16_000, start))
        assert isinstance(chunk, AudioChunk)
        assert sum(len(one.samples) for one in (chunk, *rest) if isinstance(one, AudioChunk)) == len(
            samples[start : start + 100]
        )


def test_a_pause_within_speech_is_heard() -> None:
    assert heard(run(script("." * 12 + "###" + "." * 19 + "###" + "." * 30))) == [(2, 57)]


def test_nothing_is_heard_twice() -> None:
    assert heard(run(script("###" + "." * 22 + "###" + "." * 30))) == [(0, 48)]
    runs = run(script("###" + "." * 20 + "..." + "###" + "." * 30))
    chunks = [item for item in runs if isinstance(item, AudioChunk) and len(item.samples)]
    ends = [0, *(chunk.start_sample + len(chunk.samples) for chunk in chunks)]
    assert all(chunk.start_sample >= end for chunk, end in zip(chunks, ends, strict=False))


def test_the_end_ends_speech() -> None:
    items = run(script("..####")[:-100])
    assert isinstance(items[-1], SpeechEnded)
    assert sum(len(item.samples) for item in items if isinstance(item, AudioChunk)) == 6 * FRAME - 100


@settings(deadline=None)
@given(st.text("#.-", max_size=80), st.integers(40, 3000))
def test_how_the_stream_is_cut_does_not_matter(text: str, size: int) -> None:
    samples = script(text)
    whole, cut = run(samples, 10**6), run(samples, size)
    assert (times(whole), heard(whole)) == (times(cut), heard(cut))


@pytest.mark.parametrize(("missing", "ended"), [(5, []), (100, [6])])
def test_a_gap_is_silence(missing: int, ended: list[int]) -> None:
    gate = SpeechGate(OPTIONS, Loudness())
    first = list(gate.accept(AudioChunk(script("######"), 16_000, 0)))
    start = (6 + missing) * FRAME
    second = list(gate.accept(AudioChunk(script("####"), 16_000, start, missing * FRAME)))
    assert times(first) == [0]
    assert times(second) == ([*ended, 6 + missing] if ended else [])
    assert heard(first + second)[-1][1] == 10 + missing
