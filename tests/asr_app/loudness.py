"""A speech detector by ear, for tests whose speech is whistled or written."""

import numpy as np

from asr_app.audio.types import Samples


class Loudness:
    """What is loud is speech: a chance that is the frame's peak, doubled."""

    def probability(self, samples: Samples) -> float:
        return min(1.0, 2.0 * float(np.abs(samples).max()))

    def reset(self) -> None:
        """Nothing is remembered."""
