"""Word n-gram language models in KenLM's binary form or as ARPA text, and what a search asks of one."""

import logging
import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import kenlm
import numpy as np

from decoder.arpa import check_arpa, is_arpa
from decoder.types import Scores

logger = logging.getLogger(__name__)

LN10 = math.log(10.0)
"""KenLM's logarithms are to the base 10; times this they are natural."""


class LanguageModel(Protocol):
    """What a search asks of a word language model; a state is an opaque value, hashable and comparable."""

    def bos_state(self) -> Any:
        """The state at the start of a sentence."""
        ...

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Natural log of P(word | state) and the state after it."""
        ...

    def scores(self, states: Sequence[Any], words: Sequence[str]) -> tuple[Scores, list[Any]]:
        """What score gives for words (n,), each after its own state: log-probabilities (n,), and states (n,)."""
        ...

    def eos(self, state: Any) -> float:
        """Natural log of P(</s> | state)."""
        ...

    def unigrams(self, words: Iterable[str]) -> list[float]:
        """Natural log of each word's probability without any context."""
        ...

    def known(self, word: str) -> bool:
        """Whether the model knows the word."""
        ...

    def known_words(self) -> Sequence[str] | None:
        """The words that the model knows, sorted; None where it cannot tell."""
        ...


class NgramLM:
    """A KenLM model, shared and immutable; a state is an opaque value, hashable and comparable."""

    def __init__(self, path: str | Path, vocabulary: Iterable[str] | None = None) -> None:
        """Load the model; with a vocabulary only its words that the model has are known.

        Logs a warning where the model has words of the vocabulary in capitals.
        Raises OSError for a file that is not there or cannot be read, ValueError for one that is not a
        whole language model or has none of the vocabulary.
        """
        self.path = Path(path)
        self._model = _load(self.path)
        self.order = int(self._model.order)
        self._words: list[str] | None = None
        self._known: frozenset[str] | None = None
        if vocabulary is not None:
            vocabulary = set(vocabulary)
            self._known = frozenset(word for word in vocabulary if word in self._model)
            self._words = sorted(self._known)
            self._check_fit(sorted(vocabulary - self._known))

    def _check_fit(self, missing: Collection[str]) -> None:
        """Tell of a model of other case or alphabet by words of the vocabulary that it lacks."""
        capitals = [form for word in missing for form in (word.upper(), word.capitalize()) if form in self._model]
        capitals = [form for form in capitals if form != form.lower()]
        remedy = f"it has {capitals[0]!r}, build it from lower-case text" if capitals else "is it of another language?"
        if not self._words:
            raise ValueError(f"{self.path}: the language model has none of the words of the vocabulary: {remedy}")
        if capitals:
            logger.warning("%s: %d words are unknown for their capitals: %s", self.path, len(capitals), remedy)

    def bos_state(self) -> Any:
        """The state at the start of a sentence."""
        state = kenlm.State()
        self._model.BeginSentenceWrite(state)
        return state

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Natural log of P(word | state) and the state after it; a word it lacks gets <unk>'s probability."""
        after = kenlm.State()
        return self._model.BaseScore(state, word, after) * LN10, after

    def scores(self, states: Sequence[Any], words: Sequence[str]) -> tuple[Scores, list[Any]]:
        """What score gives for words (n,), each after its own state, in two thirds of the time."""
        after = [kenlm.State() for _ in words]
        return np.array(list(map(self._model.BaseScore, states, words, after))) * LN10, after

    def eos(self, state: Any) -> float:
        """Natural log of P(</s> | state)."""
        return float(self._model.BaseScore(state, "</s>", kenlm.State())) * LN10

    def unigrams(self, words: Iterable[str]) -> list[float]:
        """Natural log of each word's probability without any context."""
        state, after, score = kenlm.State(), kenlm.State(), self._model.BaseScore
        self._model.NullContextWrite(state)
        return [float(score(state, word, after)) * LN10 for word in words]

    def known(self, word: str) -> bool:
        """Whether the word is in the model and in the vocabulary, where there is one."""
        return word in self._known if self._known is not None else word in self._model

    def known_words(self) -> Sequence[str] | None:
        """The words that the model knows, sorted; None without a vocabulary, as KenLM lists no words."""
        return self._words


def _load(path: Path) -> Any:
    """The KenLM model in a file, loaded quietly."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such language model")
    if not path.is_file():
        raise OSError(f"{path}: not a file; a language model is one KenLM binary or ARPA file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the language model is empty")
    if is_arpa(path) and len(check_arpa(path)) < 2:
        raise ValueError(f"{path}: a model of single words only: build one of two words or more")
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        return kenlm.Model(str(path), config)
    except UnicodeDecodeError as error:  # of KenLM's message, which quotes the file
        raise ValueError(f"{path}: not a whole KenLM binary or ARPA file") from error
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: not a whole KenLM binary or ARPA file: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The gist of KenLM's message, which begins with the place in its source and what it threw."""
    return " ".join(str(error).split()).rpartition(" threw ")[2][-200:]
