"""Two language models as one: the default one and one of the user's own texts, interpolated word by word."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from decoder.lm import LanguageModel
from decoder.types import Scores

PERSONAL_WEIGHT = 0.1
"""The share of the personal model; docs/language-model.md has the error rates of dev it was chosen by."""


class MixedLM:
    """P(word | history) = (1 - weight) P_default + weight P_personal, each after its own state.

    A model gives nothing to a word that it does not know and the other does, so that the probabilities of all known
    words and of <unk>, which stands for what neither knows, sum to one. A state is the pair of both models' states.
    """

    def __init__(self, default: LanguageModel, personal: LanguageModel, weight: float = PERSONAL_WEIGHT) -> None:
        """weight: the share of the personal model, between 0 and 1; ValueError outside."""
        if not 0 < weight < 1:
            raise ValueError(f"the weight of a personal language model lies between 0 and 1, not at {weight:g}")
        self._default, self._personal = default, personal
        self._shares = 1.0 - weight, weight

    def bos_state(self) -> Any:
        """The state at the start of a sentence."""
        return self._default.bos_state(), self._personal.bos_state()

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Natural log of P(word | state) and the state after it; a word neither knows gets <unk>'s probability."""
        by_default, after_default = self._default.score(state[0], word)
        by_personal, after_personal = self._personal.score(state[1], word)
        return self._mix(word, by_default, by_personal), (after_default, after_personal)

    def scores(self, states: Sequence[Any], words: Sequence[str]) -> tuple[Scores, list[Any]]:
        """What score gives for words (n,), each after its own state."""
        by_default, after_default = self._default.scores([default for default, _ in states], words)
        by_personal, after_personal = self._personal.scores([personal for _, personal in states], words)
        mixed = np.array(list(map(self._mix, words, by_default.tolist(), by_personal.tolist())))
        return mixed, list(zip(after_default, after_personal, strict=True))

    def eos(self, state: Any) -> float:
        """Natural log of P(</s> | state)."""
        default, personal = self._shares
        return math.log(
            default * math.exp(self._default.eos(state[0])) + personal * math.exp(self._personal.eos(state[1]))
        )

    def unigrams(self, words: Iterable[str]) -> list[float]:
        """Natural log of each word's probability without any context."""
        words = list(words)
        scores = zip(words, self._default.unigrams(words), self._personal.unigrams(words), strict=True)
        return [self._mix(word, by_default, by_personal) for word, by_default, by_personal in scores]

    def known(self, word: str) -> bool:
        """Whether either model knows the word."""
        return self._default.known(word) or self._personal.known(word)

    def known_words(self) -> Sequence[str] | None:
        """The words that either model knows, sorted; None where one of them cannot tell."""
        words = self._default.known_words(), self._personal.known_words()
        return None if words[0] is None or words[1] is None else sorted({*words[0], *words[1]})

    def _mix(self, word: str, by_default: float, by_personal: float) -> float:
        """The interpolated natural log of what both models give a word."""
        default, personal = self._shares
        if not self._personal.known(word):
            if self._default.known(word):
                return by_default + math.log(default)
        elif not self._default.known(word):
            return by_personal + math.log(personal)
        return math.log(default * math.exp(by_default) + personal * math.exp(by_personal))
