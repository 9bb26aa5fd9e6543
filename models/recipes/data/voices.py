"""New speakers from recorded ones: WORLD analysis, another pitch and vocal tract, resynthesis.

WORLD (Morise, Yokomori and Ozawa, 2016) takes speech apart into pitch, spectral envelope and aperiodicity;
each is changed alone and speech put together again. A mixture of words said by a few people becomes words said
by many, which is what a small corpus lacks.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16000
FRAME_MS = 8.0
PITCH_FLOOR, PITCH_CEILING = 60.0, 500.0

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker relative to the recorded one: factors of pitch, formant frequencies and tempo."""

    pitch: float
    formants: float
    tempo: float


def draw_voice(random: np.random.Generator) -> Voice:
    """A plausible speaker: pitch 0.75-1.4, formants 0.85-1.18 and tempo 0.9-1.12 times the recorded one's.

    A shorter vocal tract mostly goes with a higher voice, so half of the formants' change follows the pitch's.
    """
    size, own = random.uniform(-1, 1, 2)
    return Voice(
        pitch=_between(0.75, 1.4, size),
        formants=_between(0.85, 1.18, 0.5 * size + 0.5 * own),
        tempo=_between(0.9, 1.12, random.uniform(-1, 1)),
    )


def _between(low: float, high: float, place: float) -> float:
    """A factor between low and high, geometrically, for a place from -1 to 1, where 0 is no change."""
    return float(high**place if place > 0 else low**-place)


def revoice(samples: Samples, voice: Voice) -> Samples:
    """Samples (N,) at 16 kHz said by another voice: (about N / tempo,), as loud as before."""
    world = _world()
    sound = samples.astype(np.float64)
    coarse, times = world.dio(sound, SAMPLE_RATE, f0_floor=PITCH_FLOOR, f0_ceil=PITCH_CEILING, frame_period=FRAME_MS)
    pitch = world.stonemask(sound, coarse, times, SAMPLE_RATE)
    envelope = world.cheaptrick(sound, pitch, times, SAMPLE_RATE)
    aperiodicity = world.d4c(sound, pitch, times, SAMPLE_RATE)
    said = world.synthesize(
        pitch * voice.pitch,
        stretch(envelope, voice.formants),
        stretch(aperiodicity, voice.formants),
        SAMPLE_RATE,
        FRAME_MS / voice.tempo,
    )
    loudness = np.sqrt(np.mean(sound**2) / max(np.mean(said**2), 1e-12))
    revoiced: Samples = (said * loudness).astype(np.float32)
    return revoiced


def stretch(spectra: npt.NDArray[np.float64], factor: float) -> npt.NDArray[np.float64]:
    """Spectra (T, F) with every frequency multiplied by a factor; what is above the last bin repeats it."""
    bins = spectra.shape[1]
    source = np.minimum(np.arange(bins) / factor, bins - 1)
    low = np.minimum(source.astype(np.int64), bins - 2)
    share = source - low
    return np.ascontiguousarray(spectra[:, low] * (1 - share) + spectra[:, low + 1] * share)


@cache
def _world() -> Any:
    """pyworld's extension module alone: the package around it needs pkg_resources, which setuptools dropped."""
    package = importlib.util.find_spec("pyworld")
    found = package and PathFinder.find_spec("pyworld.pyworld", package.submodule_search_locations)
    if not found or not found.loader:
        raise OSError("pyworld is not installed: pip install -e '.[train]'")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
