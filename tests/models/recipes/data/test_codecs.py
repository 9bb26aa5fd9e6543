import numpy as np
import pytest

from models.recipes.data.codecs import CODECS, Codec, keep_band, resample, telephone

Samples = np.ndarray  # type: ignore[type-arg]


def chirps(seconds: float = 1.0) -> Samples:
    """Noise of a speech-like band in syllables of a fifth of a second: correlates at one delay only."""
    time = np.arange(int(16000 * seconds)) / 16000
    noise = np.random.default_rng(0).normal(0, 0.1, len(time)) * np.abs(np.sin(2.5 * 2 * np.pi * time))
    return keep_band(noise.astype(np.float32), 16000, 200.0, 3000.0)


def lag_ms(original: Samples, coded: Samples) -> float:
    """By how much the coded samples are late, from the peak of the cross-correlation."""
    size = 2 * len(original)
    product = np.fft.rfft(coded, size) * np.conj(np.fft.rfft(original, size))
    peak = int(np.fft.irfft(product, size).argmax())
    return (peak - size if peak > size // 2 else peak) / 16


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", range(5))
def test_coded_samples_are_as_many_and_in_time(codec: Codec, seed: int) -> None:
    original = chirps()
    coded = codec(original, np.random.default_rng(seed))
    assert coded.shape == original.shape
    assert coded.dtype == np.float32
    assert abs(lag_ms(original, coded)) < 1.0
    assert 0.4 < np.corrcoef(original, coded)[0, 1] < 0.99999


@pytest.mark.parametrize("codec", CODECS)
def test_short_recordings_can_be_coded(codec: Codec) -> None:
    assert codec(chirps(0.03), np.random.default_rng(0)).shape == (480,)


def power(samples: Samples, low: float, high: float) -> float:
    hertz = np.fft.rfftfreq(len(samples), 1 / 16000)
    return float(np.sum(np.abs(np.fft.rfft(samples)[(hertz >= low) & (hertz < high)]) ** 2))


def test_a_telephone_loses_what_is_outside_its_band() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 16000).astype(np.float32)
    heard = telephone(noise, np.random.default_rng(1))
    assert power(heard, 500, 3000) > 0.4 * power(noise, 500, 3000)
    assert power(heard, 4200, 8000) < 0.01 * power(noise, 4200, 8000)
    assert power(heard, 0, 100) < 0.05 * power(noise, 0, 100)


def test_a_band_keeps_tones_inside_and_their_phase() -> None:
    time = np.arange(16000) / 16000
    inside, outside = (np.sin(2 * np.pi * hertz * time).astype(np.float32) for hertz in (1000, 6000))
    heard = keep_band(inside + outside, 16000, 200.0, 3000.0)
    assert np.abs(heard - inside)[1000:-1000].max() < 0.1


def test_resampling_there_and_back_keeps_a_tone() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    back = resample(resample(tone, 16000, 8000), 8000, 16000)
    assert np.abs(back - tone)[500:-500].max() < 0.01
