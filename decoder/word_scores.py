"""Scores of words after what was said before."""

import copy
import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from decoder.hotwords import START, Hotwords
from decoder.lm import LN10, LanguageModel
from decoder.types import Scores

_EXPECTED_LOG_PROB = math.log(1e-6)
"""Of a word that a user expects and the language model does not know: that of a name said once in a million words."""

Context = tuple[Any, int]
"""What was said before: a state of the language model, and a place among the hotwords."""


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

    def scores(self, contexts: Sequence[Context], words: Sequence[int]) -> tuple[Scores, list[Context]]:
        """The scores (n,) of words (n,), each in its context, and the contexts after them."""
        places, earned = self._advanced([place for _, place in contexts], words)
        if self.lm is None:
            return np.array(earned), [(None, place) for place in places]
        states = [state for state, _ in contexts]
        log_probs, after = self.lm.scores(states, [self.words[word] for word in words])
        numbers = np.array(words, np.intp)
        scores: Scores = self._scale[numbers] * log_probs + self._bonus[numbers] + earned
        return scores, list(zip(after, places, strict=True))

    def eos(self, context: Context) -> float:
        """The score of the end of the sentence in a context."""
        state, place = context
        score = self.weights[0] * self.lm.eos(state) if self.lm else 0.0
        return score - self.hotwords.unearned(place)

    def _advanced(self, places: list[int], words: Sequence[int]) -> tuple[list[int], list[float]]:
        """The places among the hotwords after words, and what the words earn."""
        if not self._starts:
            return places, [0.0] * len(places)
        after, earned = places.copy(), [0.0] * len(places)
        for i, (place, word) in enumerate(zip(places, words, strict=True)):
            if place != START or word in self._starts:
                after[i], earned[i] = self.hotwords.advance(place, word)
        return after, earned

    def _weigh(self, weights: tuple[float, float, float]) -> None:
        """Take weights on.

        unigrams (words,) becomes the score of each word without context, with what it earns where it begins a
        phrase; highest (words,) the same with the most that it earns anywhere.

        A word scores scale * ln P + bonus: an expected one that the model does not know has the scale 0.
        """
        alpha, beta, offset = self.weights = weights
        expected = np.array(sorted(self._expected | self.hotwords.words), np.intp)
        unknown = expected[~self._known[expected]]
        self._scale = np.full(len(self.words), alpha)
        self._scale[unknown] = 0.0
        self._bonus = np.where(self._known, beta, beta + alpha * offset * LN10)
        self._bonus[unknown] = alpha * _EXPECTED_LOG_PROB + beta
        self.highest: Scores = self._scale * self._log_probs + self._bonus if self.lm else np.zeros(len(self.words))
        self.unigrams = self.highest.copy()
        self._starts = self.hotwords.starts()
        for word, earned in self._starts.items():
            self.unigrams[word] += earned
        for word, earned in self.hotwords.most().items():
            self.highest[word] += earned


class Contexts:
    """Small numbers for what was said before, the first one 0."""

    def __init__(self, first: Hashable) -> None:
        self._contexts = [first]
        self._numbers = {first: 0}

    def __len__(self) -> int:
        return len(self._contexts)

    def at(self, numbers: Sequence[int]) -> list[Any]:
        """The contexts of numbers."""
        return [self._contexts[number] for number in numbers]

    def numbers(self, contexts: Iterable[Hashable]) -> list[int]:
        """The numbers of contexts, which they get where they have none."""
        found = []
        for context in contexts:
            number = self._numbers.setdefault(context, len(self._contexts))
            if number == len(self._contexts):
                self._contexts.append(context)
            found.append(number)
        return found

    def keep(self, numbers: Sequence[int]) -> None:
        """Forget the contexts with other numbers; each of these has its place as its number from now on."""
        self._contexts = self.at(numbers)
        self._numbers = {context: number for number, context in enumerate(self._contexts)}


class WordScores:
    """What a search asks about the words of a lexicon."""

    def __init__(self, model: WordLM) -> None:
        self._model = model
        self._contexts = Contexts(model.start())

    def answers(self, contexts: Sequence[int], words: Sequence[int]) -> tuple[Scores, Sequence[int]]:
        """The scores (n,) of words (n,), each in its context, and the contexts after them."""
        scores, after = self._model.scores(self._contexts.at(contexts), words)
        return scores, self._contexts.numbers(after)

    def ends(self, contexts: Sequence[int]) -> Scores:
        """The scores (n,) of the end of the sentence in contexts (n,)."""
        return np.array([self._model.eos(context) for context in self._contexts.at(contexts)])

    def text(self, word: int) -> str:
        """How a word is written."""
        return self._model.words[word]

    def keep(self, contexts: Sequence[int]) -> None:
        """Forget the other contexts; each of these has its place as its number from now on."""
        self._contexts.keep(contexts)
