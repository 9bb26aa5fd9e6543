"""Scores of words after what was said before, remembered, for many pairs at once."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from decoder.hotwords import START, Hotwords
from decoder.lm import LN10, LanguageModel
from decoder.types import Indices, Scores

_EXPECTED_LOG_PROB = math.log(1e-6)
"""Of a word that a user expects and the language model does not know: that of a name said once in a million words."""

Context = tuple[Any, int]
"""What was said before: a state of the language model, and a place among the hotwords."""


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
    """A language model over the words of a lexicon, weighted, and hotwords; shared and immutable.

    A word's score in a context is alpha * ln P(word | state) + beta, and what it earns as a hotword. A word
    that the model does not know scores alpha * offset * ln 10 more; if it is expected, a hotword or one that
    was added, it has the probability of a rare word instead. Without a model only hotwords score.
    """

    def __init__(self, lm: LanguageModel | None, words: Sequence[str], weights: tuple[float, float, float]) -> None:
        """Weights are alpha, beta and the base-10 offset of words that the model does not know."""
        self.lm, self.words = lm, words
        self.hotwords = Hotwords({}, {})
        self._log_probs = np.array(lm.unigrams(words)) if lm else np.zeros(len(words))
        self._known = np.array([lm is None or lm.known(word) for word in words], np.bool_)
        self._expected: frozenset[int] = frozenset()
        self._weigh(weights)

    def with_weights(self, weights: tuple[float, float, float]) -> "WordLM":
        """The same model and words with other weights."""
        model = copy.copy(self)
        model._weigh(weights)
        return model

    def with_words(self, words: Sequence[str], expected: Iterable[int]) -> "WordLM":
        """The same model for words that begin with the same ones, and numbers of those that are expected."""
        added = WordLM(self.lm, words[len(self.words) :], self.weights)
        model = copy.copy(self)
        model.words = words
        model._log_probs = np.concatenate([self._log_probs, added._log_probs])
        model._known = np.concatenate([self._known, added._known])
        model._expected = self._expected.union(expected)
        model._weigh(self.weights)
        return model

    def with_hotwords(self, hotwords: Hotwords) -> "WordLM":
        """The same model with other hotwords."""
        model = copy.copy(self)
        model.hotwords = hotwords
        model._weigh(self.weights)
        return model

    def start(self) -> Context:
        """The context at the start of a sentence."""
        return self.lm.bos_state() if self.lm else None, START

    def score(self, context: Context, word: int) -> tuple[float, Context]:
        """The score of a word in a context, and the context after it."""
        state, place = context
        earned = 0.0
        if place != START or word in self._starts:
            place, earned = self.hotwords.advance(place, word)
        if self.lm is None:
            return earned, (None, place)
        log_prob, state = self.lm.score(state, self.words[word])
        score = self._rare if word in self._unknown else self.weights[0] * log_prob + self._bonus[word]
        return score + earned, (state, place)

    def eos(self, context: Context) -> float:
        """The score of the end of the sentence in a context."""
        state, place = context
        score = self.weights[0] * self.lm.eos(state) if self.lm else 0.0
        return score - self.hotwords.unearned(place)

    def _weigh(self, weights: tuple[float, float, float]) -> None:
        """Take weights on; unigrams (words,) becomes the score of each word without context."""
        alpha, beta, offset = self.weights = weights
        expected = np.array(sorted(self._expected | self.hotwords.words), np.intp)
        unknown = expected[~self._known[expected]]
        self._unknown = frozenset(unknown.tolist())
        self._rare = alpha * _EXPECTED_LOG_PROB + beta
        bonus = np.where(self._known, beta, beta + alpha * offset * LN10)
        self._bonus = bonus.tolist()
        self.unigrams: Scores = alpha * self._log_probs + bonus if self.lm else np.zeros(len(self.words))
        self.unigrams[unknown] = self._rare
        self._starts = self.hotwords.starts()
        for word, earned in self._starts.items():
            self.unigrams[word] += earned


class WordScores:
    """Scores of words in contexts, asked for once; contexts are small numbers, the first one is 0."""

    def __init__(self, model: WordLM) -> None:
        self._model = model
        self._words = len(model.words)
        self._contexts = [model.start()]
        self._numbers: dict[Context, int] = {self._contexts[0]: 0}
        self._memo = Memo(self._query)
        self._scores = np.zeros(1024)
        self._after = np.zeros(1024, np.intp)

    def __len__(self) -> int:
        return len(self._memo)

    def score(self, contexts: Indices, words: Indices) -> tuple[Scores, Indices]:
        """The scores (n,) of words (n,) in contexts (n,), and the contexts that follow."""
        entries = self._memo.numbers(contexts * self._words + words)
        return self._scores[entries], self._after[entries]

    def eos(self, context: int) -> float:
        """The score of the end of the sentence in a context."""
        return self._model.eos(self._contexts[context])

    def forget(self, live: Indices) -> Indices:
        """Drop all that is remembered but the live contexts (n,); their new numbers."""
        kept, numbers = np.unique(live, return_inverse=True)
        self._contexts = [self._contexts[context] for context in kept.tolist()]
        self._numbers = {context: number for number, context in enumerate(self._contexts)}
        self._memo.clear()
        return numbers.astype(np.intp)

    def _query(self, key: int) -> int:
        """Ask the model for one pair of context and word; the place of the answer."""
        context, word = divmod(key, self._words)
        score, after = self._model.score(self._contexts[context], word)
        number = self._numbers.setdefault(after, len(self._contexts))
        if number == len(self._contexts):
            self._contexts.append(after)
        place = len(self._memo)
        if place == len(self._scores):
            self._scores = np.concatenate([self._scores, np.zeros(place)])
            self._after = np.concatenate([self._after, np.zeros(place, np.intp)])
        self._scores[place] = score
        self._after[place] = number
        return place
