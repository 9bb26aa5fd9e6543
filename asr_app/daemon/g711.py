"""Samples of telephones: ITU-T G.711 (11/88), tables 1a to 2b, one byte each, at 8,000 Hz."""

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
"""Hz."""

Table = NDArray[np.float32]
"""The sample in [-1, 1] of each of the 256 bytes."""


def _mu_law() -> Table:
    """Sign, three bits of segment, four of step, all inverted; a segment's steps are twice as large as the last's."""
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4 & 7).astype(int), (code & 15).astype(int)
    magnitude = ((2 * step + 33) << segment) - 33
    return _signed(magnitude, code < 128, 8192)


def _a_law() -> Table:
    """The same with every other bit inverted, and with the first two segments of equal steps."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment, step = (code >> 4 & 7).astype(int), (code & 15).astype(int)
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return _signed(magnitude, code >= 128, 4096)


def _signed(magnitude: NDArray[np.int_], positive: NDArray[np.bool_], full: int) -> Table:
    return (np.where(positive, magnitude, -magnitude) / full).astype(np.float32)


MU_LAW, A_LAW = _mu_law(), _a_law()
