from dataclasses import replace

import numpy as np
import pytest

from models.recipes.data.augment import (
    FLOOR,
    NATURAL_PER_DECIBEL,
    Augmentation,
    LogMel,
    add_noise,
    augment,
    change_level,
    change_tempo,
    draw_tempo,
    limit_band,
    mask,
    warp_frequency,
)

NONE = Augmentation(
    level_db=(0.0, 0.0),
    equaliser_db=0.0,
    warp_probability=0.0,
    noise_probability=0.0,
    telephone_probability=0.0,
    frequency_masks=0,
    time_masks_per_second=0.0,
)
MASKS_OF_BINS = replace(NONE, frequency_masks=2)
MASKS_OF_TIME = replace(NONE, time_masks_per_second=0.35)
ALWAYS = Augmentation(warp_probability=1.0, noise_probability=1.0, telephone_probability=1.0)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def log_mel(frames: int = 200, seed: int = 0) -> LogMel:
    return seeded(seed).uniform(-12, 2, (frames, 80)).astype(np.float32)


def test_no_strength_is_no_change() -> None:
    features = log_mel()
    found = augment(features, [log_mel(50, 1)], NONE, seeded())
    np.testing.assert_allclose(found, features, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 19, 200])
@pytest.mark.parametrize("config", [Augmentation(), ALWAYS], ids=["default", "always"])
def test_shape_and_type_stay_and_nothing_lies_below_the_floor(frames: int, config: Augmentation) -> None:
    features = log_mel(frames)
    kept = features.copy()
    for seed in range(10):
        found = augment(features, [log_mel(50, 1), log_mel(500, 2)], config, seeded(seed))
        assert found.shape == features.shape
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert found.min() >= FLOOR - 1e-4
    assert np.array_equal(features, kept)


def test_the_seed_decides() -> None:
    features, noises = log_mel(), [log_mel(50, 1)]
    first, again, other = (augment(features, noises, Augmentation(), seeded(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("seed", range(5))
def test_level_and_equaliser_stay_in_their_range(seed: int) -> None:
    config = replace(NONE, level_db=(-18.0, 6.0), equaliser_db=6.0)
    change = change_level(log_mel(), config, seeded(seed)) - log_mel()
    np.testing.assert_allclose(change, np.broadcast_to(change[0], change.shape), atol=1e-4)
    decibels = change[0] / NATURAL_PER_DECIBEL
    assert -24.01 <= decibels.min() <= decibels.max() <= 12.01
    assert np.abs(np.diff(decibels)).max() <= 12 / 19 + 0.01  # smooth: five knots over 80 bins


def test_a_fixed_level_is_that_level() -> None:
    change = change_level(log_mel(), replace(NONE, level_db=(-10.0, -10.0)), seeded()) - log_mel()
    np.testing.assert_allclose(change, np.log(0.1), atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_warping_stretches_the_mel_axis(seed: int) -> None:
    ramp = np.tile(np.arange(80, dtype=np.float32), (3, 1))
    found = warp_frequency(ramp, replace(NONE, warp_probability=1.0, warp=0.12), seeded(seed))
    factor = found[0, 40] / 40
    assert 0.88 <= factor <= 1.12
    np.testing.assert_allclose(found[1], np.clip(np.arange(80) * factor, 0, 79), atol=1e-3)


@pytest.mark.parametrize("noise_frames", [7, 200, 1000])
@pytest.mark.parametrize("decibels", [-5.0, 0.0, 10.0, 25.0])
def test_noise_has_the_ratio_that_was_asked_for(decibels: float, noise_frames: int) -> None:
    speech, noise = log_mel(), log_mel(noise_frames, 1) + 3
    config = replace(NONE, noise_snr_db=(decibels, decibels))
    found = add_noise(speech, noise, config, seeded())
    assert found.dtype == np.float32
    energy = np.exp(speech.astype(np.float64))
    added = np.exp(found.astype(np.float64)) - energy
    assert 10 * np.log10(energy.mean() / added.mean()) == pytest.approx(decibels, abs=0.5)


def test_noise_is_the_recording_from_a_random_place_on() -> None:
    speech = np.full((30, 80), -60, np.float32)
    noise = np.tile(np.arange(10, dtype=np.float32)[:, None], (1, 80))
    found = add_noise(speech, noise, replace(NONE, noise_snr_db=(-90.0, -90.0)), seeded(3))
    steps = np.diff(found[:, 0])
    np.testing.assert_allclose(np.where(steps > 0, 1, -9), steps, atol=1e-2)


def test_noise_comes_as_often_as_it_should() -> None:
    features, config = log_mel(20), replace(NONE, noise_probability=0.3)
    changed = [
        not np.allclose(augment(features, [log_mel(20, 1)], config, seeded(seed)), features) for seed in range(300)
    ]
    assert 60 < sum(changed) < 120


def test_a_telephone_has_no_treble() -> None:
    features = log_mel()
    found = limit_band(features, replace(NONE, telephone_probability=1.0, telephone_bin=58), seeded())
    assert np.array_equal(found[:, :58], features[:, :58])
    np.testing.assert_allclose(found[:, 58:], FLOOR, rtol=1e-6)
    assert limit_band(features, NONE, seeded()) is features


@pytest.mark.parametrize("seed", range(20))
def test_frequency_masks_are_bands_of_the_mean(seed: int) -> None:
    features = log_mel()
    found = mask(features, MASKS_OF_BINS, seeded(seed))
    changed = (found != features).any(0)
    assert changed.sum() <= 2 * 14
    assert np.count_nonzero(np.diff(changed.astype(int)) == 1) + int(changed[0]) <= 2
    fill = np.broadcast_to(features.mean(0), features.shape)
    assert np.array_equal(found, np.where(changed, fill, features))


def test_time_masks_are_runs_of_the_mean_of_the_asked_for_share() -> None:
    features, masked = log_mel(1000), []
    for seed in range(40):
        found = mask(features, MASKS_OF_TIME, seeded(seed))
        changed = (found != features).any(1)
        assert np.array_equal(found[~changed], features[~changed])
        fill = features.mean(0)
        np.testing.assert_array_equal(found[changed], np.broadcast_to(fill, found[changed].shape))
        masked.append(changed.sum())
    assert 25 < np.mean(masked) < 45  # 3.5 masks of 10 frames each, some of them on top of others


def test_masks_fit_recordings_shorter_than_they() -> None:
    features = log_mel(3)
    config = replace(NONE, time_masks_per_second=200.0, time_mask_frames=20)
    for seed in range(10):
        assert mask(features, config, seeded(seed)).shape == features.shape


def test_tempo_stretches_time_and_keeps_what_is_heard() -> None:
    rows = np.stack([np.arange(100), 100 - np.arange(100)], 1).astype(np.float32)
    faster = change_tempo(rows, 1.25)
    assert faster.shape == (80, 2)
    np.testing.assert_allclose(np.diff(faster[1:-1, 0]), 1.25, atol=1e-5)
    np.testing.assert_allclose(faster.mean(0), rows.mean(0), atol=0.01)
    assert change_tempo(rows, 1.0) is rows


def test_features_and_targets_of_another_rate_keep_step() -> None:
    features = np.arange(400, dtype=np.float32)[:, None]
    targets = features.reshape(100, 4).mean(1, keepdims=True)  # a quarter of the rate
    for tempo in (0.88, 1.0, 1.12):
        heard, wanted = change_tempo(features, tempo), change_tempo(targets, tempo)
        length = len(heard) // 4
        np.testing.assert_allclose(heard[: 4 * length].reshape(-1, 4).mean(1)[5:-5], wanted[5 : length - 5, 0], atol=1)


def test_tempo_is_drawn_within_its_bounds() -> None:
    random = np.random.default_rng(1)
    drawn = [draw_tempo(Augmentation(tempo=0.1), random) for _ in range(200)]
    assert 0.9 <= min(drawn) < 0.92 < 1.08 < max(drawn) <= 1.1
    assert draw_tempo(Augmentation(), random) == 1.0
