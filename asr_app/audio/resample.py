"""Sample-rate conversion of a stream, aligned in time and independent of how the stream is cut."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil, gcd

import numpy as np
import numpy.typing as npt

from asr_app.audio.types import Samples

MIN_RATE = 4_000
MAX_RATE = 192_000

_ZERO_CROSSINGS = 64  # of the sinc, on each side of its centre
_STOP_BAND_DB = 80.0
_LONGEST_GROUP = 640  # outputs; a longer filter period is cut into groups of _GROUP
_GROUP = 64  # outputs; shorter filter periods are joined until they have as many
_ROWS = 256  # products of one call of matmul: bounds the memory, keeps the windows in the cache


@dataclass(frozen=True, slots=True)
class _Group:
    """A run of outputs with the filters that make them.

    weights: (K, B): a window of K input samples times weights gives B outputs. In float64 where the number of
        windows in a product varies with the chunks: the order of summation then does not show in float32.
    advance: input samples from this group's window to the next group's.
    """

    weights: npt.NDArray[np.float32] | npt.NDArray[np.float64]
    advance: int


class StreamingResampler:
    """Band-limited interpolation of one mono stream from source_rate to target_rate (Hz).

    Output k is the windowed-sinc interpolation of the input at the time k / target_rate: there is no delay
    between input and output times, and n input samples give ceil(n * target_rate / source_rate) outputs.
    The pass band reaches 92 % of the lower Nyquist frequency; above that frequency 80 dB are stopped.

    Raises ValueError where a rate is outside MIN_RATE..MAX_RATE.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        for rate in (source_rate, target_rate):
            if not MIN_RATE <= rate <= MAX_RATE:
                raise ValueError(f"a sample rate of {rate} Hz is outside {MIN_RATE} to {MAX_RATE} Hz")
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._groups, lead = ((), 0) if source_rate == target_rate else _filter_bank(source_rate, target_rate)
        self._buffer: Samples = np.zeros(lead, np.float32)  # starts where the window of the next group starts
        self._next_group = 0
        self._received = 0
        self._emitted = 0
        self._finished = False

    def accept(self, samples: Samples) -> Samples:
        """Take input (n,) and return the outputs (m,) that it completes, both float32."""
        if self._finished:
            raise ValueError("the resampler is finished: open a new one for a new stream")
        if samples.ndim != 1:
            raise ValueError(f"expected mono samples (n,), got shape {samples.shape}")
        self._received += len(samples)
        return self._advance(samples)

    def finish(self) -> Samples:
        """Return the outputs that were waiting for more input; the stream ends in silence."""
        self._finished = True
        missing = ceil(self._received * self.target_rate / self.source_rate) - self._emitted
        pieces = [np.zeros(0, np.float32)]
        while (outstanding := missing - sum(map(len, pieces))) > 0:
            window = len(self._groups[self._next_group].weights)
            pieces.append(self._advance(np.zeros(window, np.float32))[:outstanding])
        return np.concatenate(pieces)

    def _advance(self, samples: Samples) -> Samples:
        """Make all outputs whose windows are complete with these samples."""
        if not self._groups:
            output = samples.astype(np.float32, copy=False)
        else:
            self._buffer = np.concatenate((self._buffer, samples), dtype=np.float32)
            output = self._drain()
        self._emitted += len(output)
        return output

    def _drain(self) -> Samples:
        outputs = [np.zeros(0, np.float32)]
        start = 0
        while True:
            group = self._groups[self._next_group]
            window = len(group.weights)
            ready = (len(self._buffer) - start - window) // group.advance + 1
            if ready <= 0:
                break
            rows = min(ready, _ROWS) if len(self._groups) == 1 else 1
            windows = np.lib.stride_tricks.sliding_window_view(self._buffer[start:], window)
            windows = windows[: rows * group.advance : group.advance]  # (rows, K)
            windows = np.ascontiguousarray(windows, dtype=group.weights.dtype)
            outputs.append((windows @ group.weights).reshape(-1).astype(np.float32))
            start += rows * group.advance
            self._next_group = (self._next_group + 1) % len(self._groups)
        self._buffer = self._buffer[start:].copy()
        return np.concatenate(outputs)


@lru_cache(maxsize=4)
def _filter_bank(source_rate: int, target_rate: int) -> tuple[tuple[_Group, ...], int]:
    """The groups of one period of the polyphase filter, and how many samples the first window looks back.

    Output k lies at input position k * down / up, so the filters repeat after up outputs and down inputs.
    Neighbouring outputs share most of their window: a group of them is one dense (K, B) matrix product.
    """
    common = gcd(source_rate, target_rate)
    up, down = target_rate // common, source_rate // common
    if up <= _LONGEST_GROUP:
        repeats = ceil(_GROUP / up)
        up, down = up * repeats, down * repeats
        edges = [0, up]
    else:
        edges = [*range(0, up, _GROUP), up]
    cutoff, beta = _design(min(1.0, up / down))
    half = ceil(_ZERO_CROSSINGS / cutoff)
    groups = []
    for first, last in pairwise(edges):
        begin, end = first * down // up - half, (last - 1) * down // up + half + 2
        inputs, outputs = np.arange(begin, end), np.arange(first, last)
        distances = (outputs[None, :] * down - inputs[:, None] * up) / up  # (K, B), in input samples
        weights = _windowed_sinc(distances, cutoff, beta)
        weights /= weights.sum(axis=0, keepdims=True)  # every phase passes a constant unchanged
        advance = last * down // up - half - begin
        groups.append(_Group(weights if len(edges) == 2 else weights.astype(np.float32), advance))
    return tuple(groups), half


def _design(nyquist: float) -> tuple[float, float]:
    """Cut-off (in units of the source's Nyquist frequency) and shape of the Kaiser window.

    Kaiser's formulas for A dB: beta = 0.1102 (A - 8.7), and N taps have a transition band of
    (A - 8) / (2.285 N) radians a sample (Oppenheim and Schafer, Discrete-Time Signal Processing,
    section 7.5.3). N is 2 _ZERO_CROSSINGS / cutoff. The transition band ends at the lower Nyquist frequency:
    nothing aliases.
    """
    transition = (_STOP_BAND_DB - 8.0) / (2.285 * 2 * _ZERO_CROSSINGS * np.pi)  # in units of the cut-off
    return nyquist / (1.0 + transition / 2), 0.1102 * (_STOP_BAND_DB - 8.7)


def _windowed_sinc(distances: npt.NDArray[np.float64], cutoff: float, beta: float) -> npt.NDArray[np.float64]:
    """Kaiser-windowed sinc at distances (in input samples) from its centre.

    J. O. Smith, "Digital Audio Resampling", ccrma.stanford.edu/~jos/resample: equations of section
    "Theory of Ideal Bandlimited Interpolation" and "Windowed Sinc Interpolation".
    """
    half_width = _ZERO_CROSSINGS / cutoff
    inside = np.sqrt(np.maximum(0.0, 1.0 - (distances / half_width) ** 2))
    window = np.i0(beta * inside) / np.i0(beta)
    window[np.abs(distances) >= half_width] = 0.0
    return np.asarray(cutoff * np.sinc(cutoff * distances) * window)
