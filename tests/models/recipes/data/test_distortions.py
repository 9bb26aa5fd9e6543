import numpy as np
import pytest
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.data.distortions import Odds, Surroundings, add_noise, clip, distort, set_peak
from models.recipes.data.rooms import room_responses

Samples = np.ndarray  # type: ignore[type-arg]
NEVER = Odds(room=0, noise=0, band=0, clipping=0, codec=0)


def tone(seconds: float = 1.0) -> Samples:
    """A tone of 1 kHz that is on for every other tenth of a second."""
    time = np.arange(int(16000 * seconds)) / 16000
    return (0.3 * np.sin(2 * np.pi * 1000 * time) * (np.floor(time * 10) % 2)).astype(np.float32)


def noise(seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.02, 8000).astype(np.float32)


def log_mel(samples: Samples) -> Samples:
    with torch.inference_mode():
        features: Samples = Frontend(FrontendConfig())(torch.from_numpy(samples)).numpy()
    return features


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 30.0])
def test_noise_is_added_at_the_ratio(snr_db: float) -> None:
    speech = tone()
    added = add_noise(speech, noise(), snr_db, np.random.default_rng(0)) - speech
    assert 10 * np.log10(np.mean(speech**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.3)


def test_clipping_cuts_what_is_above_the_level() -> None:
    clipped = clip(tone(), 6.0)
    assert np.abs(clipped).max() == pytest.approx(0.3 * 10 ** (-6 / 20), rel=1e-3)
    assert np.mean(np.abs(clipped) == np.abs(clipped).max()) > 0.2


def test_the_peak_is_set() -> None:
    assert np.abs(set_peak(tone(), -20.0)).max() == pytest.approx(0.1, rel=1e-3)
    assert not set_peak(np.zeros(10, np.float32), 0.0).any()


def test_without_any_distortion_only_the_level_changes() -> None:
    heard = distort(tone(), Surroundings((), ()), NEVER, np.random.default_rng(0))
    assert np.allclose(heard / np.abs(heard).max(), tone() / np.abs(tone()).max(), atol=1e-5)


def test_all_distortions_together_keep_length_and_range() -> None:
    places = Surroundings(room_responses(1, 3), [noise()])
    always = Odds(room=1, noise=1, band=1, clipping=1, codec=1)
    for seed in range(4):
        heard = distort(tone(), places, always, np.random.default_rng(seed))
        assert heard.shape == tone().shape
        assert heard.dtype == np.float32
        assert 0.01 < np.abs(heard).max() <= 1.0


def test_a_generator_decides_everything() -> None:
    places = Surroundings(room_responses(1, 3), [noise()])
    first, again, other = (distort(tone(), places, Odds(), np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_room_fills_pauses_and_leaves_onsets_in_place() -> None:
    """Log-mel energies of the tone's band: pauses rise far, the tone hardly, and no frame comes later."""
    odds = Odds(room=1, noise=0, band=0, clipping=0, codec=0, peak_db=(-10.0, -10.0))
    clean = log_mel(set_peak(tone(), -10.0))
    heard = log_mel(distort(tone(), Surroundings(room_responses(2, 5)[:1], ()), odds, np.random.default_rng(0)))
    band = int(clean.mean(0).argmax())
    on, off = clean[:, band] > clean[:, band].max() - 1, clean[:, band] < clean[:, band].min() + 1
    rise = heard[:, band] - clean[:, band]
    assert np.median(rise[off]) > 3 + np.median(rise[on])
    onsets = [np.diff(features[:, band]).argmax() for features in (clean[:18], heard[:18])]
    assert abs(int(onsets[0]) - int(onsets[1])) <= 1


def test_noise_raises_the_quietest_energies_most() -> None:
    odds = Odds(room=0, noise=1, noise_snr_db=(5.0, 5.0), band=0, clipping=0, codec=0, peak_db=(-10.0, -10.0))
    clean = log_mel(set_peak(tone(), -10.0))
    heard = log_mel(distort(tone(), Surroundings((), [noise()]), odds, np.random.default_rng(0)))
    order = np.argsort(clean, axis=None)
    rise = (heard - clean).ravel()[order]
    assert rise[: len(rise) // 4].mean() > 5 > 2 > abs(rise[-50:].mean())
