"""Which mark to choose so that F1 is best: the likeliest is right most often, but commas in doubt are then left out.

The threshold that is best for F1 is half of the F1 it reaches (Lipton et al., Optimal thresholding of classifiers to
maximize F1 measure, 2014, theorem 2). Here it is a bias for each mark, found on held-back text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_STEPS = np.arange(-12, 13) / 10
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """What a tagger says of N words of one kind of text: log-probabilities (N, labels), and the right labels (N,)."""

    log_probs: npt.NDArray[np.float32]
    wanted: npt.NDArray[np.int64]

    def biased(self, biases: npt.NDArray[np.float32]) -> "Judged":
        """The same with a bias (labels,) to each label."""
        return Judged(self.log_probs + biases, self.wanted)

    @property
    def found(self) -> npt.NDArray[np.int64]:
        """The likeliest labels (N,)."""
        found: npt.NDArray[np.int64] = self.log_probs.argmax(1)
        return found

    @property
    def macro_f1(self) -> float:
        """The mean F1 of all labels but the first, which is none."""
        found, labels = self.found, self.log_probs.shape[1]
        right = np.bincount(self.wanted[found == self.wanted], minlength=labels)
        both = np.bincount(found, minlength=labels) + np.bincount(self.wanted, minlength=labels)
        return float((2 * right / np.maximum(both, 1))[1:].mean())


def best_biases(texts: Sequence[Judged]) -> npt.NDArray[np.float32]:
    """The bias of each label, 0 for none, whose macro F1 is best on the average of the texts: found one by one."""
    biases = np.zeros(texts[0].log_probs.shape[1], np.float32)
    for _ in range(_ROUNDS):
        for label in range(1, len(biases)):
            tried = [np.where(np.arange(len(biases)) == label, step, biases).astype(np.float32) for step in _STEPS]
            biases = max(tried, key=lambda some: sum(text.biased(some).macro_f1 for text in texts))
    return biases
