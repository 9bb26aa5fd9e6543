"""How well a language model predicts some text."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from decoder.lm import LanguageModel


@dataclass(frozen=True, slots=True)
class Perplexity:
    """How well a model predicts some text.

    perplexity: per word and sentence end, unknown words left out.
    unknown: how many of `words` the vocabulary lacks.
    """

    sentences: int
    words: int
    unknown: int
    perplexity: float

    @property
    def unknown_percent(self) -> float:
        """Out-of-vocabulary words in percent."""
        return 100.0 * self.unknown / self.words if self.words else 0.0


def measure(model: LanguageModel, sentences: Iterable[str]) -> Perplexity:
    """Perplexity and unknown words of normalised sentences; infinite where nothing is known."""
    total = words = unknown = count = 0
    log_prob = 0.0
    for sentence in sentences:
        count += 1
        state = model.bos_state()
        for word in sentence.split():
            words += 1
            gain, state = model.score(state, word)
            if model.known(word):
                log_prob += gain
                total += 1
            else:
                unknown += 1
        log_prob += model.eos(state)
        total += 1
    return Perplexity(count, words, unknown, math.exp(-log_prob / total) if words > unknown else math.inf)
