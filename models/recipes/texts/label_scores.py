"""Precision, recall and F1 of labels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a label was found rightly, found wrongly, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def f1(self) -> float:
        """2 right / (2 right + wrong + missed), the harmonic mean of precision and recall."""
        return 2 * self.right / max(1, 2 * self.right + self.wrong + self.missed)


def count_labels(wanted: Iterable[str], found: Iterable[str]) -> dict[str, Counts]:
    """The counts of each label of two rows of labels for the same words."""
    counts: dict[str, Counts] = {}
    for one, other in zip(wanted, found, strict=True):
        if one == other:
            counts[one] = counts.get(one, Counts()) + Counts(right=1)
        else:
            counts[one] = counts.get(one, Counts()) + Counts(missed=1)
            counts[other] = counts.get(other, Counts()) + Counts(wrong=1)
    return counts


def macro_f1(counts: Mapping[str, Counts], labels: Iterable[str]) -> float:
    """The mean of the labels' F1."""
    scores = [counts.get(label, Counts()).f1 for label in labels]
    return sum(scores) / len(scores)
