"""What happens to speech on its way to a recogniser, on waveforms: room, noise, microphone, level, line.

A distorted copy has the length of the clean one and is in time with it, so that it can be trained towards what
the teacher hears in the clean one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.recipes.data.codecs import CODECS, SAMPLE_RATE, keep_band
from models.recipes.data.rooms import reverberate

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Odds:
    """How likely (0-1) each distortion is, and between which bounds it is drawn.

    noise_snr_db: speech over noise. low_edge_hz, high_edge_hz: of a microphone's band. peak_db: of the result,
    below full scale. clipped_db: how far below the peak a clipping amplifier cuts.
    """

    room: float = 0.5
    noise: float = 0.6
    noise_snr_db: tuple[float, float] = (0.0, 30.0)
    band: float = 0.2
    low_edge_hz: tuple[float, float] = (50.0, 400.0)
    high_edge_hz: tuple[float, float] = (3000.0, 7500.0)
    clipping: float = 0.1
    clipped_db: tuple[float, float] = (3.0, 15.0)
    peak_db: tuple[float, float] = (-30.0, 0.0)
    codec: float = 0.3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where speech is heard: impulse responses of rooms and recordings of noise at 16 kHz; either may be empty."""

    rooms: Sequence[Samples]
    noises: Sequence[Samples]


def distort(samples: Samples, places: Surroundings, odds: Odds, random: np.random.Generator) -> Samples:
    """Samples (N,) at 16 kHz as they may arrive: (N,), in time with the original, within [-1, 1]."""
    heard = samples
    if len(places.rooms) and random.random() < odds.room:
        heard = reverberate(heard, places.rooms[random.integers(len(places.rooms))])
    if len(places.noises) and random.random() < odds.noise:
        noise = places.noises[random.integers(len(places.noises))]
        heard = add_noise(heard, noise, random.uniform(*odds.noise_snr_db), random)
    if random.random() < odds.band:
        low, high = random.uniform(*odds.low_edge_hz), random.uniform(*odds.high_edge_hz)
        heard = keep_band(heard, SAMPLE_RATE, low, high)
    if random.random() < odds.clipping:
        heard = clip(heard, random.uniform(*odds.clipped_db))
    heard = set_peak(heard, random.uniform(*odds.peak_db))
    if random.random() < odds.codec:
        heard = CODECS[random.integers(len(CODECS))](heard, random)
    return np.clip(heard, -1, 1)


def add_noise(samples: Samples, noise: Samples, snr_db: float, random: np.random.Generator) -> Samples:
    """Samples (N,) with a noise (M,), from a random place on, repeated or cut to length, at an SNR of powers."""
    start = random.integers(len(noise))
    mixed_in = noise[(start + np.arange(len(samples))) % len(noise)]
    speech_power, noise_power = float(np.mean(samples**2)), float(np.mean(mixed_in**2))
    gain = np.sqrt(speech_power / max(noise_power, 1e-12)) * 10 ** (-snr_db / 20)
    mixed: Samples = samples + np.float32(gain) * mixed_in
    return mixed


def clip(samples: Samples, below_peak_db: float) -> Samples:
    """Samples cut off where they exceed a level, in decibels below their peak."""
    limit = float(np.abs(samples).max()) * 10 ** (-below_peak_db / 20)
    clipped: Samples = np.clip(samples, -limit, limit)
    return clipped


def set_peak(samples: Samples, peak_db: float) -> Samples:
    """Samples with their peak at a level, in decibels of full scale."""
    return samples * np.float32(10 ** (peak_db / 20) / max(float(np.abs(samples).max()), 1e-6))
