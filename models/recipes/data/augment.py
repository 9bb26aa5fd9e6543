"""Augmentation of log-mel features: tempo, level, equaliser, vocal-tract length, added noise, telephone band, masks.

All work on natural-log mel energies (T, F), so a recording is stored once and heard differently in every
epoch. Noise is added to the energies, which is what mixing waveforms does to them on average.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LogMel = npt.NDArray[np.float32]
NATURAL_PER_DECIBEL = float(np.log(10) / 10)
FLOOR = float(np.log(1e-7))


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How likely (0-1) and how strong each change is; decibels, mel bins, or shares."""

    tempo: float = 0.0
    level_db: tuple[float, float] = (-18.0, 6.0)
    equaliser_db: float = 6.0
    warp: float = 0.12
    warp_probability: float = 0.5
    noise_probability: float = 0.5
    noise_snr_db: tuple[float, float] = (0.0, 30.0)
    telephone_probability: float = 0.1
    telephone_bin: int = 58
    frequency_masks: int = 2
    frequency_mask_bins: int = 14
    time_masks_per_second: float = 0.35
    time_mask_frames: int = 20


def draw_tempo(config: Augmentation, random: np.random.Generator) -> float:
    """How many times faster an utterance is to be heard."""
    return float(random.uniform(1 - config.tempo, 1 + config.tempo)) if config.tempo else 1.0


def change_tempo(rows: npt.NDArray[np.float32], tempo: float) -> npt.NDArray[np.float32]:
    """Rows (T, W) in time, features or a teacher's outputs alike, interpolated to (T / tempo, W)."""
    if tempo == 1.0 or len(rows) < 2:
        return rows
    times = (np.arange(max(1, round(len(rows) / tempo))) + 0.5) * tempo - 0.5
    times = np.clip(times, 0, len(rows) - 1)
    before = np.minimum(times.astype(np.int64), len(rows) - 2)
    share = (times - before).astype(np.float32)[:, None]
    changed: npt.NDArray[np.float32] = rows[before] * (1 - share) + rows[before + 1] * share
    return changed


def change_level(log_mel: LogMel, config: Augmentation, random: np.random.Generator) -> LogMel:
    """A constant gain and a smooth random equaliser."""
    gain = random.uniform(*config.level_db)
    knots = random.uniform(-config.equaliser_db, config.equaliser_db, 5)
    bins = log_mel.shape[1]
    curve = np.interp(np.arange(bins), np.linspace(0, bins - 1, 5), knots)
    return log_mel + ((gain + curve) * NATURAL_PER_DECIBEL).astype(np.float32)


def warp_frequency(log_mel: LogMel, config: Augmentation, random: np.random.Generator) -> LogMel:
    """Vocal-tract length perturbation: the mel axis stretched (Jaitly and Hinton, 2013)."""
    if random.random() >= config.warp_probability:
        return log_mel
    bins = log_mel.shape[1]
    source = np.clip(np.arange(bins) * random.uniform(1 - config.warp, 1 + config.warp), 0, bins - 1)
    low = np.minimum(source.astype(np.int64), bins - 2)
    share = (source - low).astype(np.float32)
    warped: LogMel = log_mel[:, low] * (1 - share) + log_mel[:, low + 1] * share
    return warped


def add_noise(log_mel: LogMel, noise: LogMel, config: Augmentation, random: np.random.Generator) -> LogMel:
    """Noise (T_noise, F), repeated or cut to length, at a random signal-to-noise ratio."""
    start = random.integers(len(noise))
    rows = noise[(start + np.arange(len(log_mel))) % len(noise)]
    snr = random.uniform(*config.noise_snr_db)
    speech_level, noise_level = np.log(np.exp(log_mel).mean()), np.log(np.exp(rows).mean())
    gain = np.float32(speech_level - noise_level - snr * NATURAL_PER_DECIBEL)
    return np.logaddexp(log_mel, rows + gain)


def limit_band(log_mel: LogMel, config: Augmentation, random: np.random.Generator) -> LogMel:
    """A telephone's band: nothing above it."""
    if random.random() < config.telephone_probability:
        log_mel = log_mel.copy()
        log_mel[:, config.telephone_bin :] = FLOOR
    return log_mel


def mask(log_mel: LogMel, config: Augmentation, random: np.random.Generator) -> LogMel:
    """SpecAugment's frequency and time masks, filled with the mean (Park et al., 2019)."""
    frames, bins = log_mel.shape
    masked = log_mel.copy()
    fill = log_mel.mean(0)
    for _ in range(config.frequency_masks):
        width = random.integers(config.frequency_mask_bins + 1)
        start = random.integers(bins - width + 1)
        masked[:, start : start + width] = fill[start : start + width]
    for _ in range(random.poisson(config.time_masks_per_second * frames / 100)):
        width = min(int(random.integers(config.time_mask_frames + 1)), frames)
        start = random.integers(frames - width + 1)
        masked[start : start + width] = fill
    return masked


def augment(log_mel: LogMel, noises: list[LogMel], config: Augmentation, random: np.random.Generator) -> LogMel:
    """All of the above, in the order in which a room, a microphone and a line would do it."""
    log_mel = warp_frequency(log_mel, config, random)
    if noises and random.random() < config.noise_probability:
        log_mel = add_noise(log_mel, noises[random.integers(len(noises))], config, random)
    log_mel = limit_band(change_level(log_mel, config, random), config, random)
    return mask(np.maximum(log_mel, np.float32(FLOOR)), config, random)
