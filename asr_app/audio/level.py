"""How loud sound is."""

import math

import numpy as np

from asr_app.audio.types import Samples

FLOOR_DBFS = -100.0
"""The level of digital silence."""


def level_dbfs(samples: Samples) -> float:
    """Root mean square of samples (n,) in dB, 0 for full scale, FLOOR_DBFS at least."""
    power = float(np.mean(np.square(samples))) if len(samples) else 0.0
    return max(FLOOR_DBFS, 10.0 * math.log10(power)) if power > 0 else FLOOR_DBFS
