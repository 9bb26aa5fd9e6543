from math import ceil
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_app.audio.resample import MAX_RATE, StreamingResampler
from asr_app.audio.types import Samples

RATES = [4000, 5512, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 37800, 44100, 48000, 96000, 192000]


def whole(samples: Samples, source: int, target: int = 16_000) -> Samples:
    resampler = StreamingResampler(source, target)
    return np.concatenate([resampler.accept(samples), resampler.finish()])


def tone(hertz: float, rate: int, count: int) -> Samples:
    return np.asarray(np.cos(2 * np.pi * hertz * np.arange(count) / rate + 0.4), np.float32)


def decibels(ratio: float | npt.NDArray[np.float64]) -> float:
    return 20 * float(np.log10(np.max(ratio) + 1e-12))


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("fraction", [0.0, 0.03, 0.3, 0.6, 0.9, 0.92])
def test_tones_in_the_pass_band_keep_amplitude_and_phase(source: int, fraction: float) -> None:
    # The reference is the tone itself at the output's times: ripple, aliases, images and delay all count.
    hertz = fraction * min(source, 16_000) / 2
    got = whole(tone(hertz, source, source), source)
    inside = slice(4000, 12_000)
    error = np.abs(got - tone(hertz, 16_000, len(got)))[inside]
    assert decibels(error) < -78


@pytest.mark.parametrize("source", [rate for rate in RATES if rate > 16_000])
@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.25, 0.5, 0.999])
def test_tones_above_the_lower_nyquist_frequency_are_stopped(source: int, fraction: float) -> None:
    hertz = 8000 + fraction * (source / 2 - 8000)
    got = whole(tone(hertz, source, source), source)[4000:12_000]
    assert decibels(np.abs(got)) < -74


@pytest.mark.parametrize("source", RATES)
def test_an_impulse_stays_where_it_was(source: int) -> None:
    samples = np.zeros(source, np.float32)
    samples[source // 2] = 1.0
    assert int(np.argmax(whole(samples, source))) == round(source // 2 * 16_000 / source)


@pytest.mark.parametrize("count", [0, 1, 2, 159, 1000, 5001])
@pytest.mark.parametrize("source", [*RATES, 44_099])
def test_the_length_is_the_duration_rounded_up(source: int, count: int) -> None:
    assert len(whole(np.ones(count, np.float32), source)) == ceil(count * 16_000 / source)


@pytest.mark.parametrize("step", [1, 7, 160, 1024])
@pytest.mark.parametrize("source", [*RATES, 44_099])
def test_every_chunk_size_gives_the_same_output(source: int, step: int) -> None:
    samples = np.random.default_rng(source).uniform(-1, 1, 3001).astype(np.float32)
    resampler = StreamingResampler(source, 16_000)
    pieces = [resampler.accept(samples[start : start + step]) for start in range(0, len(samples), step)]
    np.testing.assert_allclose(np.concatenate([*pieces, resampler.finish()]), whole(samples, source), atol=2e-7, rtol=0)


@settings(max_examples=40, deadline=None)
@given(
    source=st.sampled_from([*RATES, 7999]),
    target=st.sampled_from([8000, 16_000, 48_000]),
    sizes=st.lists(st.integers(0, 700), max_size=12),
)
def test_ragged_chunks_give_the_same_output(source: int, target: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(len(sizes)).uniform(-1, 1, sum(sizes)).astype(np.float32)
    resampler = StreamingResampler(source, target)
    pieces, start = [], 0
    for size in sizes:
        pieces.append(resampler.accept(samples[start : start + size]))
        start += size
    got = np.concatenate([*pieces, resampler.finish()])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, whole(samples, source, target), atol=2e-7, rtol=0)


def test_two_interleaved_streams_do_not_touch_each_other() -> None:
    one, two = tone(440, 48_000, 9600), tone(1000, 48_000, 9600)
    first, second = StreamingResampler(48_000, 16_000), StreamingResampler(48_000, 16_000)
    pieces: tuple[list[Samples], list[Samples]] = ([], [])
    for start in range(0, 9600, 480):
        pieces[0].append(first.accept(one[start : start + 480]))
        pieces[1].append(second.accept(two[start : start + 480]))
    got = [np.concatenate([*pieces[0], first.finish()]), np.concatenate([*pieces[1], second.finish()])]
    np.testing.assert_allclose(got, [whole(one, 48_000), whole(two, 48_000)], atol=2e-7, rtol=0)


def test_the_same_rate_passes_samples_unchanged() -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, 1000).astype(np.float32)
    np.testing.assert_array_equal(whole(samples, 16_000), samples)


def test_a_constant_stays_exact() -> None:
    got = whole(np.full(44_100, 0.5, np.float32), 44_100)[1000:-1000]
    np.testing.assert_allclose(got, 0.5, atol=1e-6)


def test_outputs_come_as_soon_as_their_window_is_full() -> None:
    resampler = StreamingResampler(48_000, 16_000)
    delay = 4800 / 3 - len(resampler.accept(np.zeros(4800, np.float32)))
    assert delay / 16_000 < 0.01


@pytest.mark.parametrize(
    ("source", "target"), [(0, 16_000), (3999, 16_000), (16_000, MAX_RATE + 1), (4_000_000_000, 16_000)]
)
def test_impossible_rates_are_refused(source: int, target: int) -> None:
    with pytest.raises(ValueError, match="outside 4000 to 192000 Hz"):
        StreamingResampler(source, target)


def test_a_finished_resampler_takes_no_more() -> None:
    resampler = StreamingResampler(8000, 16_000)
    resampler.finish()
    with pytest.raises(ValueError, match="finished"):
        resampler.accept(np.zeros(1, np.float32))


def test_only_mono_is_taken() -> None:
    with pytest.raises(ValueError, match=r"mono .* \(2, 3\)"):
        StreamingResampler(8000, 16_000).accept(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("source", [44_100, 48_000])
def test_it_is_much_faster_than_real_time(source: int) -> None:
    # About 1000 times on one thread; the bound leaves room for a busy machine.
    second = np.random.default_rng(0).uniform(-1, 1, source).astype(np.float32)
    resampler = StreamingResampler(source, 16_000)
    best = float("inf")
    for _ in range(20):
        begin = perf_counter()
        resampler.accept(second)
        best = min(best, perf_counter() - begin)
    assert 1 / best > 100
