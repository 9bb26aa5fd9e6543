"""Linear interpolation of back-off models into one.

Stolcke, SRILM - an extensible language modeling toolkit, 2002, section 3.2: the n-grams of all, each with the weighted
mean of its probabilities; the weights of the contexts are then computed anew.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from decoder.arpa import BackoffModel, Ids, Logs, Ngrams
from decoder.lm_prune import normalised

_NEVER = np.float32(-99.0)
"""Log-probability, to the base 10, of a word that a model does not know."""


class _Part:
    """One of the models, seen from the n-grams of all."""

    def __init__(self, model: BackoffModel, vocabulary: tuple[str, ...]) -> None:
        self._model = model
        numbers = {word: number for number, word in enumerate(vocabulary)}
        self._words = np.array([numbers[word] for word in model.vocabulary], np.int32)
        self._places = np.zeros(1, np.int64)
        self._wide = len(vocabulary)
        self._own_backoffs = np.zeros(1, np.float32)
        self.log_probs: Logs = np.zeros(1, np.float32)

    def keys(self, order: int) -> npt.NDArray[np.int64]:
        """(n,) Its own n-grams of an order, by their contexts' places among those of all and their last words."""
        if order > len(self._model.orders):
            return np.zeros(0, np.int64)
        ngrams = self._model.orders[order - 1]
        return self._places[ngrams.contexts] * self._wide + self._words[ngrams.words]

    def follow(
        self, order: int, own: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], contexts: Ids, suffixes: Ids
    ) -> None:
        """Go on to the n-grams of an order: its own keys; of all the keys, contexts and shorter n-grams."""
        shorter = self.log_probs[suffixes] if order > 1 else np.full(len(keys), _NEVER)
        log_probs = (self._own_backoffs[contexts] + shorter).astype(np.float32)
        backoffs = np.zeros(len(keys), np.float32)
        places = np.searchsorted(keys, own)
        if len(own):
            log_probs[places] = self._model.orders[order - 1].log_probs
            backoffs[places] = self._model.orders[order - 1].backoffs
        self._places, self._own_backoffs, self.log_probs = places, backoffs, log_probs


def mix(models: Sequence[BackoffModel], shares: Sequence[float]) -> BackoffModel:
    """One model whose probabilities are the weighted means of those of several.

    shares: of each model, positive, taken in proportion. Exact for the n-grams that any model has; others back off.
    """
    if len(models) != len(shares) or not models or min(shares) <= 0:
        raise ValueError("each language model needs a share above 0")
    vocabulary = tuple(sorted({word for model in models for word in model.vocabulary}))
    parts = [_Part(model, vocabulary) for model in models]
    logs = np.log10(np.array(shares) / sum(shares))
    mixed = BackoffModel(vocabulary, ())
    for order in range(1, max(len(model.orders) for model in models) + 1):
        own = [part.keys(order) for part in parts]
        keys = np.unique(np.concatenate(own))
        contexts, words = (keys // len(vocabulary)).astype(np.int32), (keys % len(vocabulary)).astype(np.int32)
        empty = np.zeros(len(keys), np.float32)
        mixed = BackoffModel(vocabulary, (*mixed.orders, Ngrams(contexts, words, empty, empty)))
        suffixes = mixed.suffixes(order)
        for part, its in zip(parts, own, strict=True):
            part.follow(order, its, keys, contexts, suffixes)
        weighted = np.stack([part.log_probs + log for part, log in zip(parts, logs, strict=True)])
        top = weighted.max(0)
        log_probs = (top + np.log10(np.power(10.0, weighted - top).sum(0))).astype(np.float32)
        mixed = BackoffModel(vocabulary, (*mixed.orders[:-1], Ngrams(contexts, words, log_probs, empty)))
    return normalised(mixed)
