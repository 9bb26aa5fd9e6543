"""What a search scores labels by: the network's posteriors, less a part of what it expects without listening.

A CTC network says P(label | sound), and says so with the blank and the common labels in favour. A search that has a
language model wants P(sound | label), which is proportional to P(label | sound) / P(label) (Bourlard and Morgan,
Connectionist speech recognition, 1994; for CTC Miao, Gowayyed and Metze, EESEN, 2015). A part of the division is
best, for lexicon and language model expect only some of what the network does: log P(label | sound) - s log P(label),
brought to a sum of one in each frame.
"""

from collections.abc import Sequence

import numpy as np

from decoder.checks import checked_log_probs
from decoder.search import SMALLEST_LOG_PROB, SearchOptions
from decoder.types import LogProbs, Scores

RAREST = 1e-4
"""Added to each prior, so that a label that is next to never heard is not preferred without bounds."""


class AcousticScores:
    """The scores of a search's labels."""

    def __init__(self, labels: int, options: SearchOptions) -> None:
        """Raise ValueError for priors of another number of labels, and for any that is no probability."""
        self._labels = labels
        self._expected: Scores | None = None
        if options.prior_scale and options.label_priors:
            if len(options.label_priors) != labels:
                raise ValueError(f"{len(options.label_priors)} label priors do not belong to {labels} labels")
            if not all(0 <= prior <= 1 for prior in options.label_priors):
                raise ValueError("a label prior is no probability: it lies outside 0 to 1")
            self._expected = options.prior_scale * np.log(np.array(options.label_priors) + RAREST)

    def __call__(self, log_probs: LogProbs) -> Scores:
        """Log-probabilities (T, V) to scores (T, V), natural logarithms; ValueError for bad input."""
        scores = checked_log_probs(log_probs, self._labels)
        if self._expected is not None:
            scores -= self._expected
            scores -= np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return scores.clip(SMALLEST_LOG_PROB, 0.0)


def label_priors(corpora: Sequence[Sequence[LogProbs]]) -> tuple[float, ...]:
    """P(label) (V,): the mean posterior over the frames of each corpus, then over corpora.

    corpora: the log-probabilities (T, V) of the recordings of each.
    """
    means = [np.exp(np.concatenate(heard).astype(np.float64)).mean(0) for heard in corpora]
    return tuple(round(float(prior), 6) for prior in np.mean(means, axis=0))
