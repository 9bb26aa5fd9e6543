"""Word and character errors by Levenshtein alignment, and a bootstrap interval of their rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """Counts of one alignment or, added up, of a corpus."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    hits: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.hits + other.hits,
        )

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def reference_length(self) -> int:
        """Tokens of the reference."""
        return self.substitutions + self.deletions + self.hits

    @property
    def rate(self) -> float:
        """Errors per reference token; without reference tokens 0, or infinity where there are errors."""
        if self.reference_length == 0:
            return math.inf if self.errors else 0.0
        return self.errors / self.reference_length


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> ErrorCounts:
    """Counts of an alignment with the fewest errors and, among those, the most hits.

    One row of the dynamic programme at a time holds errors * unit - hits in each cell, so memory grows with
    the hypothesis only. Both figures of the last cell give the rest, because a path to (n, m) has
    substitutions + deletions + hits = n and substitutions + insertions + hits = m.
    """
    n, m = len(reference), len(hypothesis)
    unit = min(n, m) + 1
    numbers: dict[str, int] = {}
    left = [numbers.setdefault(token, len(numbers)) for token in reference]
    right = np.array([numbers.setdefault(token, len(numbers)) for token in hypothesis], np.int64)
    steps = unit * np.arange(m + 1, dtype=np.int64)
    row = steps.copy()
    for token in left:
        above = row + unit
        above[1:] = np.minimum(above[1:], row[:-1] + np.where(right == token, -1, unit))
        row = np.minimum.accumulate(above - steps) + steps
    last = int(row[m])
    errors = -(-last // unit)
    hits = errors * unit - last
    substitutions = n + m - 2 * hits - errors
    return ErrorCounts(substitutions, n - hits - substitutions, m - hits - substitutions, hits)


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors between the words of two texts, split at white space; case and punctuation count."""
    return align(reference.split(), hypothesis.split())


def character_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Errors between the characters of two texts, single spaces between words included."""
    return align(" ".join(reference.split()), " ".join(hypothesis.split()))


def matching_words(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Places of the same words in both, in order."""
    blocks = SequenceMatcher(None, reference, hypothesis, autojunk=False).get_matching_blocks()
    return [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]


def bootstrap_interval(
    counts: Sequence[ErrorCounts], level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the corpus rate, by resampling utterances with replacement.

    Bisani and Ney, Bootstrap estimates for confidence intervals in ASR performance evaluation, ICASSP 2004.
    Raises ValueError without utterances, without a reference token, or for a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"the level of an interval lies between 0 and 1, not at {level}")
    lengths = np.array([count.reference_length for count in counts], np.float64)
    if not lengths.sum():
        raise ValueError("an interval needs at least one reference token")
    errors = np.array([count.errors for count in counts], np.float64)
    rates = _resampled_rates(errors, lengths, resamples, np.random.default_rng(seed))
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resampled_rates(
    errors: npt.NDArray[np.float64],
    lengths: npt.NDArray[np.float64],
    resamples: int,
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Corpus rates of the resamples; one without a reference token counts as its errors over one token."""
    rates = np.empty(resamples)
    for i in range(resamples):
        pick = random.integers(len(errors), size=len(errors))
        rates[i] = errors[pick].sum() / max(lengths[pick].sum(), 1.0)
    return rates
