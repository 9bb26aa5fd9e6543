"""The second pass over a final: a neural language model chooses among the hypotheses of the beam search.

What is scored is bounded by a number of words, not by a clock, so that the same speech always gives the same words.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from decoder.types import Hypothesis

logger = logging.getLogger(__name__)

HYPOTHESES = 16
"""How many of the search's hypotheses are looked at."""

WORDS = 250
"""How many words all hypotheses that are scored may have together: 20 to 30 ms on one busy core."""

SETTING = "rescoring"
"""The name of the weight among a checkpoint's decoding settings."""

Score = Callable[[Sequence[str]], list[float]]
"""The natural logarithm of the probability of each sentence (n,)."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How scores are joined, all natural logarithms: acoustic + (1 - share) lm + share (alpha neural + beta words).

    alpha and beta are those of the search, whose lm holds them already: the share alone is new.
    """

    share: float
    alpha: float
    beta: float

    def total(self, hypothesis: Hypothesis, neural: float) -> float:
        """The score of a hypothesis whose sentence has this logarithm of its probability."""
        language = self.alpha * neural + self.beta * len(hypothesis.words)
        return hypothesis.acoustic_score + (1 - self.share) * hypothesis.lm_score + self.share * language


class Rescorer:
    """A language model of whole sentences and its weight; shared and immutable."""

    def __init__(self, score: Score, weights: Weights, expected: Iterable[str] = ()) -> None:
        """Expected are words and phrases that the user expects: what was heard of their words is not taken back."""
        self._score, self._weights = score, weights
        self._expected = frozenset(word for phrase in expected for word in phrase.split())

    def expecting(self, expected: Iterable[str]) -> "Rescorer":
        """The same model and weight, with other words to expect."""
        return Rescorer(self._score, self._weights, expected)

    def best(self, nbest: Sequence[Hypothesis], stable: Sequence[str]) -> Hypothesis:
        """The likeliest of a final's hypotheses (n,), which are sorted, best first; n > 0.

        It begins with the stable words. Where the model cannot score the hypotheses the first one stays.
        """
        candidates = self._candidates(nbest, stable)
        if len(candidates) < 2:
            return nbest[0]
        try:
            scores = self._score([one.text for one in candidates])
        except (ValueError, RuntimeError) as error:  # its text may hold what was said
            logger.warning("a final is as the first pass left it: the second one failed (%s)", type(error).__name__)
            return nbest[0]
        totals = [self._weights.total(*one) for one in zip(candidates, scores, strict=True)]
        return candidates[totals.index(max(totals))]

    def _candidates(self, nbest: Sequence[Hypothesis], stable: Sequence[str]) -> list[Hypothesis]:
        """As many as there is time for of those that keep the stable words and the expected ones."""
        wanted = self._expected_in(nbest[0])
        kept = [
            one
            for one in nbest
            if [word.text for word in one.words[: len(stable)]] == list(stable) and self._expected_in(one) == wanted
        ]
        words = accumulate(len(one.words) + 1 for one in kept)
        return [one for one, total in zip(kept, words, strict=True) if total <= WORDS]

    def _expected_in(self, hypothesis: Hypothesis) -> list[str]:
        return [word.text for word in hypothesis.words if word.text in self._expected]


def load_rescorer(
    folder: Path, decoding: Mapping[str, float], weights: tuple[float, float], expected: Iterable[str] = ()
) -> Rescorer | None:
    """The rescorer of a recogniser's folder; None where it has none, or where it does not pay.

    decoding: the checkpoint's settings. weights: alpha and beta of the search. Raises OSError or ValueError for files
    that cannot be read.
    """
    from models.lm import FILES, load_neural_lm

    share = decoding.get(SETTING, 0.0)
    if not share or not (folder / FILES.description).exists():
        return None
    if not isinstance(share, int | float) or not 0 < share <= 1:
        raise ValueError(f"the model's decoder setting {SETTING} is {share!r}: fetch the model again")
    return Rescorer(load_neural_lm(folder).score, Weights(share, *weights), expected)
