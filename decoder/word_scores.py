"""Language-model scores of words after states, remembered, for many pairs at once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from decoder.lm import LN10, NgramLM
from decoder.types import Indices, Scores


class Memo(dict[int, int]):
    """A dictionary that makes the value of a missing key."""

    def __init__(self, make: Callable[[int], int]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: int) -> int:
        value = self[key] = self._make(key)
        return value

    def numbers(self, keys: Indices) -> Indices:
        """The values of keys (n,)."""
        return np.fromiter(map(self.__getitem__, keys.tolist()), np.intp, len(keys))


class WordLM:
    """A language model over the words of a lexicon, weighted; shared and immutable.

    A word's score after a state is alpha * ln P(word | state) + beta, and alpha * offset * ln 10 more where
    the model does not know the word; without a model it is 0.
    """

    def __init__(self, lm: NgramLM | None, words: Sequence[str], weights: tuple[float, float, float]) -> None:
        """Weights are alpha, beta and the base-10 offset of words that the model does not know."""
        self.lm, self.words = lm, words
        self.alpha, beta, offset = weights
        unknown = beta + self.alpha * offset * LN10
        self.bonus = [beta if lm.known(word) else unknown for word in words] if lm else []

    def unigrams(self) -> Scores:
        """(words,): the score of each word without context."""
        if self.lm is None:
            return np.zeros(len(self.words))
        scores: Scores = self.alpha * np.array(self.lm.unigrams(self.words)) + np.array(self.bonus)
        return scores


class WordScores:
    """Scores of words after states, asked for once; states are small numbers, the first one is 0."""

    def __init__(self, model: WordLM) -> None:
        self._model = model
        self._words = len(model.words)
        self._states: list[Any] = [model.lm.bos_state() if model.lm else None]
        self._numbers: dict[Any, int] = {self._states[0]: 0}
        self._memo = Memo(self._query)
        self._scores = np.zeros(1024)
        self._after = np.zeros(1024, np.intp)

    def __len__(self) -> int:
        return len(self._memo)

    def score(self, states: Indices, words: Indices) -> tuple[Scores, Indices]:
        """The scores (n,) of words (n,) after states (n,), and the states that follow."""
        if self._model.lm is None:
            return np.zeros(len(states)), states
        entries = self._memo.numbers(states * self._words + words)
        return self._scores[entries], self._after[entries]

    def eos(self, state: int) -> float:
        """The score of the end of the sentence after a state."""
        lm = self._model.lm
        return self._model.alpha * lm.eos(self._states[state]) if lm else 0.0

    def forget(self, live: Indices) -> Indices:
        """Drop all that is remembered but the live states (n,); their new numbers."""
        kept, numbers = np.unique(live, return_inverse=True)
        self._states = [self._states[state] for state in kept.tolist()]
        self._numbers = {state: number for number, state in enumerate(self._states)}
        self._memo.clear()
        return numbers.astype(np.intp)

    def _query(self, key: int) -> int:
        """Ask the model for one (state, word) pair; the place of the answer."""
        model = self._model
        assert model.lm is not None
        state, word = divmod(key, self._words)
        log_prob, after = model.lm.score(self._states[state], model.words[word])
        number = self._numbers.setdefault(after, len(self._states))
        if number == len(self._states):
            self._states.append(after)
        place = len(self._memo)
        if place == len(self._scores):
            self._scores = np.concatenate([self._scores, np.zeros(place)])
            self._after = np.concatenate([self._after, np.zeros(place, np.intp)])
        self._scores[place] = model.alpha * log_prob + model.bonus[word]
        self._after[place] = number
        return place
