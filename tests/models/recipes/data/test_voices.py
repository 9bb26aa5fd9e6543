from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.data.voices import Voice, _world, draw_voice, revoice, stretch

Samples = np.ndarray  # type: ignore[type-arg]

SPEECH = Path(__file__).resolve().parents[5] / "shared" / "speech"
RECORDING = SPEECH / "cmu_arctic/arctic_bdl/bdl_arctic_a0001.opus"


@pytest.fixture(scope="module")
def vowel() -> Samples:
    """A second of a vowel: pulses of 120 Hz through resonances at 700, 1200 and 2600 Hz."""
    pulses = np.zeros(16000)
    pulses[::133] = 1.0
    hertz = np.fft.rfftfreq(16000, 1 / 16000)
    gain = sum(1 / (1 + ((hertz - formant) / 80) ** 2) for formant in (700, 1200, 2600))
    sound = np.fft.irfft(np.fft.rfft(pulses) * (gain + 0.01))
    noise = np.random.default_rng(0).normal(0, 1e-4, 16000)
    return (0.3 * sound / np.abs(sound).max() + noise).astype(np.float32)


def pitch(samples: Samples) -> float:
    """Median of the voiced frames' fundamental frequency in hertz, by DIO."""
    found = _world().dio(samples.astype(np.float64), 16000, f0_floor=60.0, f0_ceil=500.0)[0]
    return float(np.median(found[found > 0]))


def log_mel(samples: Samples) -> Samples:
    with torch.inference_mode():
        features: Samples = Frontend(FrontendConfig())(torch.from_numpy(samples)).numpy()
    return features


@pytest.mark.parametrize("factor", [0.75, 1.0, 1.4])
def test_pitch_is_scaled(vowel: Samples, factor: float) -> None:
    assert pitch(revoice(vowel, Voice(factor, 1.0, 1.0))) == pytest.approx(pitch(vowel) * factor, rel=0.02)


@pytest.mark.parametrize("factor", [0.85, 1.18])
def test_formants_are_scaled_and_the_pitch_stays(vowel: Samples, factor: float) -> None:
    said = revoice(vowel, Voice(1.0, factor, 1.0))
    assert pitch(said) == pytest.approx(pitch(vowel), rel=0.02)
    assert third_formant(said) == pytest.approx(third_formant(vowel) * factor, rel=0.05)


def third_formant(samples: Samples) -> float:
    hertz = np.fft.rfftfreq(16000, 1 / 16000)
    spectrum = np.abs(np.fft.rfft(samples, 16000)) ** 2 * ((hertz > 1800) & (hertz < 3600))
    return float(np.sum(hertz * spectrum) / np.sum(spectrum))


@pytest.mark.parametrize("tempo", [0.9, 1.0, 1.12])
def test_tempo_changes_the_length_alone(vowel: Samples, tempo: float) -> None:
    said = revoice(vowel, Voice(1.0, 1.0, tempo))
    assert len(said) == pytest.approx(16000 / tempo, abs=200)
    assert pitch(said) == pytest.approx(pitch(vowel), rel=0.02)
    assert np.sqrt(np.mean(said**2)) == pytest.approx(np.sqrt(np.mean(vowel**2)), rel=0.01)


@pytest.mark.skipif(not RECORDING.exists(), reason="the shared speech corpora are not here")
def test_the_same_voice_keeps_the_features_of_speech() -> None:
    samples = soundfile.read(RECORDING, dtype="float32")[0]
    before, after = log_mel(samples), log_mel(revoice(samples, Voice(1.0, 1.0, 1.0)))
    frames = min(len(before), len(after))
    assert len(after) == pytest.approx(len(before), abs=1)
    loud = before[:frames] > before.max() - 9  # within 39 dB of the loudest
    difference = np.abs(before[:frames] - after[:frames])[loud]
    assert np.median(difference) < 0.5
    assert np.corrcoef(before[:frames].ravel(), after[:frames].ravel())[0, 1] > 0.95


def test_stretched_spectra_have_peaks_elsewhere() -> None:
    spectra = np.full((2, 513), 1e-6)
    spectra[:, 100] = 1.0
    assert stretch(spectra, 1.1).argmax(1).tolist() == [110, 110]
    assert stretch(spectra, 0.9).argmax(1).tolist() == [90, 90]
    assert np.array_equal(stretch(spectra, 1.0), spectra)


def test_drawn_voices_are_plausible() -> None:
    random = np.random.default_rng(0)
    voices = [draw_voice(random) for _ in range(500)]
    pitches, formants = np.array([one.pitch for one in voices]), np.array([one.formants for one in voices])
    assert 0.75 <= pitches.min() < 0.8 < 1.3 < pitches.max() <= 1.4
    assert 0.85 <= formants.min() < 0.88 < 1.13 < formants.max() <= 1.18
    assert np.median(pitches) == pytest.approx(1.0, abs=0.05)
    assert 0.5 < np.corrcoef(np.log(pitches), np.log(formants))[0, 1] < 0.9
