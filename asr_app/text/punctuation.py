"""Punctuation and case from the tagging model that ships, as the stages want them."""

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

from asr_app.errors import CheckpointError
from asr_app.text.rewriting import ENDS

if TYPE_CHECKING:
    from models.tagger import WordTagger


_AT_PAUSE = 20.0
"""Odds of a sentence's end at a pause over those between any two words: two times in three, not once in twelve.

With another prior the probabilities are weighted anew (Saerens et al., Adjusting the outputs of a classifier to new a
priori probabilities, 2002, eq. 4).
"""


class ModelTagger:
    """stages.Tagger by a model; shared by all streams, it keeps no state.

    With look_ahead a word's tag does not depend on more than so many words after it, lest live text flicker.
    """

    def __init__(self, model: "WordTagger", look_ahead: int | None = None) -> None:
        self._model, self._look_ahead = model, look_ahead

    @classmethod
    def load(cls, folder: Path) -> "ModelTagger":
        """The tagger of a folder; CheckpointError where a file is missing or damaged."""
        from models.tagger import load_tagger

        try:
            return cls(load_tagger(folder))
        except (OSError, ValueError) as error:
            raise CheckpointError(str(error)) from error

    @property
    def live(self) -> "ModelTagger":
        """The same model for live text: at most two words of look-ahead."""
        from models.tagger import LOOK_AHEAD

        return ModelTagger(self._model, LOOK_AHEAD)

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        """See stages.Tagger."""
        from models.tagger import CASES, MARKS

        parts = [word.split() or [word] for word in words]  # "March 3, 2021" is one word here, three to the model
        flat = [part for word in parts for part in word]
        log_probs = self._model.log_probs(flat, self._look_ahead)
        marks, cases = (log_probs[head].argmax(-1).tolist() for head in ("mark", "case"))
        if flat and self._look_ahead is None:
            marks[-1] = _mark_at_pause(log_probs["mark"][-1].tolist())
        tagged: list[tuple[str, str]] = []
        place = 0
        for word, pieces in zip(words, parts, strict=True):
            last = place + len(pieces) - 1
            tagged.append((_cased(word, CASES[cases[place]]), MARKS[marks[last]]))
            place = last + 1
        return tagged


def _mark_at_pause(log_probs: Sequence[float]) -> int:
    """The mark after the last word of a final, where the speaker paused but need not have ended a sentence."""
    from models.tagger import MARKS

    shifted = [value + log(_AT_PAUSE) * (mark in ENDS) for value, mark in zip(log_probs, MARKS, strict=True)]
    return shifted.index(max(shifted))


def _cased(word: str, case: str) -> str:
    """A word in its case; what an earlier step wrote with capitals or figures keeps them."""
    if case == "lower" or word != word.lower() or not word[:1].isalpha():
        return word
    return word.upper() if case == "upper" else word[0].upper() + word[1:]
