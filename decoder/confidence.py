"""Confidences that mean what they say: of the words at 0.8, four in five are right."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decoder.types import Scores

_EDGE = 1e-3
"""Shares this near to 0 or 1 count as this near: a beam that agrees is no certainty."""
_MOST = 700.0
"""Exponents above it overflow."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A confidence from the share of hypotheses that agree: sigmoid(slope * log-odds + offset) (Platt, 1999).

    The default leaves shares as they are, but for the last thousandth.
    """

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, share: float) -> float:
        """The confidence in [0, 1] of a share in [0, 1]."""
        clipped = min(max(share, _EDGE), 1 - _EDGE)
        log_odds = self.slope * math.log(clipped / (1 - clipped)) + self.offset
        return 1 / (1 + math.exp(min(-log_odds, _MOST)))


def fit(shares: npt.ArrayLike, correct: npt.ArrayLike) -> Calibration:
    """The most likely calibration of shares (n,) of words that were correct (n,) or not, by Newton's method.

    Raises ValueError unless there are right words and wrong ones.
    """
    hit = np.asarray(correct, np.float64)
    if not 0 < hit.sum() < len(hit):
        raise ValueError("a calibration needs words that are right and words that are wrong")
    inputs = np.stack([_log_odds(np.asarray(shares, np.float64)), np.ones(len(hit))])  # (2, n)
    weights = np.zeros(2)
    ridge = 1e-3 * np.eye(2)  # keeps the steps finite where the classes are separable
    for _ in range(50):
        predicted = _sigmoid(weights @ inputs)
        gradient = inputs @ (hit - predicted) - ridge @ weights
        curvature = (inputs * predicted * (1 - predicted)) @ inputs.T + ridge
        weights = weights + np.linalg.solve(curvature, gradient)
    return Calibration(float(weights[0]), float(weights[1]))


def expected_calibration_error(confidences: npt.ArrayLike, correct: npt.ArrayLike, bins: int = 10) -> float:
    """Mean distance of confidence from accuracy over equally wide bins, weighted by their words.

    Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015; 0 without words.
    """
    values, hit = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    if not len(values):
        return 0.0
    place = np.minimum((values * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(place, values - hit, bins)
    return float(np.abs(gaps).sum() / len(values))


def _log_odds(shares: Scores) -> Scores:
    clipped = shares.clip(_EDGE, 1 - _EDGE)
    odds: Scores = np.log(clipped / (1 - clipped))
    return odds


def _sigmoid(values: Scores) -> Scores:
    result: Scores = 1 / (1 + np.exp(-values))
    return result
