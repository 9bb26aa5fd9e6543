"""Room impulse responses of shoebox rooms, simulated with the image method.

A wall reflects like a mirror: the sound of a source in a box is that of an infinite lattice of image sources in
the open, each weaker by a factor for every wall that its ray crosses (Allen and Berkley, Image method for
efficiently simulating small-room acoustics, 1979). Reflections change sign, which keeps the sum of many from
growing at low frequencies (Lehmann and Johansson, 2008).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16000
SPEED_OF_SOUND = 343.0
DECAY_KEPT = 0.75
"""How much of the 60 dB decay is simulated: what is 45 dB below the start is not heard under any noise."""

Samples = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox: size, source and microphone (x, y, z) in metres; reverberation time (60 dB) in seconds."""

    size: Reals
    source: Reals
    microphone: Reals
    reverberation_s: float


def draw_room(random: np.random.Generator) -> Room:
    """A room 3-10 m long and wide and 2.4-4 m high, RT60 0.15-0.8 s, nobody nearer than 0.4 m to a wall."""
    size = np.array([random.uniform(3, 10), random.uniform(3, 10), random.uniform(2.4, 4)])
    source, microphone = random.uniform(0.4, size - 0.4), random.uniform(0.4, size - 0.4)
    while np.linalg.norm(source - microphone) < 0.2:
        microphone = random.uniform(0.4, size - 0.4)
    return Room(size, source, microphone, random.uniform(0.15, 0.8))


def impulse_response(room: Room) -> Samples:
    """What the microphone hears of a click: the direct sound is 1 at sample 0, so nothing is delayed.

    All walls reflect alike, by what makes the room's reverberation time.
    """
    distances, crossings = _images(room)
    direct = distances.min()
    delays = np.rint((distances - direct) / SPEED_OF_SOUND * SAMPLE_RATE).astype(np.int64)
    gains = direct / distances
    reflection = _reflection(delays, gains, crossings, room.reverberation_s)
    return np.bincount(delays, gains * (-reflection) ** crossings).astype(np.float32)


def _images(room: Room) -> tuple[Reals, npt.NDArray[np.int64]]:
    """Distances (N,) of the image sources that are heard in time, and how many walls each ray crosses (N,)."""
    reach = float(np.linalg.norm(room.source - room.microphone)) + (DECAY_KEPT * room.reverberation_s * SPEED_OF_SOUND)
    squares, crossings = np.zeros(1), np.zeros(1, np.int64)
    for size, source, microphone in zip(room.size, room.source, room.microphone, strict=True):
        cells = np.arange(-int(reach / size) - 1, int(reach / size) + 2)
        # Cell n holds the source itself, shifted by n rooms, where n is even; its mirror image where n is odd.
        places = np.where(cells % 2 == 0, cells * size + source, (cells + 1) * size - source)
        squares = np.add.outer(squares, (places - microphone) ** 2).ravel()
        crossings = np.add.outer(crossings, np.abs(cells)).ravel()
        heard = squares <= reach**2
        squares, crossings = squares[heard], crossings[heard]
    return np.sqrt(squares), crossings


def _reflection(
    delays: npt.NDArray[np.int64], gains: Reals, crossings: npt.NDArray[np.int64], reverberation_s: float
) -> float:
    """The walls' reflection coefficient, by bisection: Sabine's and Eyring's formulas miss by up to a half.

    The energy is gathered by millisecond and number of crossings, so that trying a coefficient is one product.
    """
    per_ms = SAMPLE_RATE // 1000
    width = int(crossings.max()) + 1
    table = np.bincount(delays // per_ms * width + crossings, gains**2)
    energies = np.append(table, np.zeros(-len(table) % width)).reshape(-1, width)
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        decay = energies @ middle ** (2.0 * np.arange(width))
        low, high = (middle, high) if reverberation_time(decay, 1000) < reverberation_s else (low, middle)
    return (low + high) / 2


def reverberation_time(energies: Reals, rate: int) -> float:
    """Seconds of a 60 dB decay, from a response's energies (T,): Schroeder's backward integral (1965).

    A line through its decay from -5 to -25 dB (ISO 3382's T20), the direct sound, 2 ms, left out.
    """
    left = np.cumsum(energies[max(1, rate // 500) :][::-1])[::-1]
    level = 10 * np.log10(np.maximum(left, 1e-30) / max(left[0], 1e-30))
    start, end = np.searchsorted(-level, [5.0, 25.0])
    if end - start < 2:
        return 0.0
    slope = np.polyfit(np.arange(start, end) / rate, level[start:end], 1)[0]
    return float(-60 / slope)


@cache
def room_responses(seed: int, count: int) -> tuple[Samples, ...]:
    """Impulse responses of so many random rooms, simulated once in a process."""
    random = np.random.default_rng(seed)
    return tuple(impulse_response(draw_room(random)) for _ in range(count))


def reverberate(samples: Samples, response: Samples) -> Samples:
    """Samples (N,) heard in a room: (N,), in time with the original."""
    size = len(samples) + len(response) - 1
    padded = 1 << (size - 1).bit_length()
    spectrum = np.fft.rfft(samples, padded) * np.fft.rfft(response, padded)
    return np.fft.irfft(spectrum, padded)[: len(samples)].astype(np.float32)
