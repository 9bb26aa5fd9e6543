"""How a word is said: as the lexicon has it, else by rules that a small network learnt from the lexicon."""

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from asr_app.errors import CheckpointError
from asr_app.library.models import LEXICON_FILE

if TYPE_CHECKING:
    from models.g2p import G2p

Pronunciation = tuple[str, ...]
"""Labels of the phoneme head."""

_VOWELS = frozenset("aeiouy")


class Pronouncer:
    """The lexicon and the spelling-to-sound model of a language; shared and never changed."""

    def __init__(self, lexicon: Mapping[str, tuple[str, ...]], g2p: "G2p") -> None:
        self._lexicon, self._g2p = lexicon, g2p

    @classmethod
    def load(cls, folder: Path) -> "Pronouncer":
        """The pronouncer of a recogniser's folder; CheckpointError where a file is missing or damaged."""
        from models.g2p import load_g2p, read_lexicon

        try:
            return cls(read_lexicon(folder / LEXICON_FILE), load_g2p(folder))
        except FileNotFoundError as error:
            message = f"{folder} cannot say new words, it has no {Path(error.filename).name}: choose another model"
            raise CheckpointError(message) from error
        except (OSError, ValueError) as error:
            raise CheckpointError(str(error)) from error

    def pronounce(self, word: str) -> tuple[Pronunciation, ...]:
        """How a word may be said, best first: by the lexicon where it has the word, else by the model.

        A word in capitals, or a new one without a vowel, may also be said letter by letter. Accents do not count.
        Raises ValueError that names a word with other characters than letters and apostrophes.
        """
        lowered = _without_accents(word).lower()
        listed = self._lexicon.get(lowered)
        if listed:
            found = [tuple(said.split()) for said in listed]
        else:
            found = [said for said, _ in self._g2p.pronounce(lowered)]
        if word.isupper() or not (listed or _VOWELS & set(lowered)):
            found.append(self._spelled(lowered))
        return _distinct(found)

    def sounds_like(self, text: str) -> Pronunciation:
        """How a respelling in words ("new ra") is said: the best of each word, one after another.

        Raises ValueError for a text without words, and for words as pronounce does.
        """
        words = text.replace("-", " ").split()
        if not words:
            raise ValueError("nothing to say: write what it sounds like in English words")
        return tuple(label for word in words for label in self.pronounce(word)[0])

    def _spelled(self, word: str) -> Pronunciation:
        """The letters' names: of a letter that is also a word (a), the name is what the lexicon has last."""
        names = [self._lexicon.get(letter, ("",))[-1] for letter in word]
        return tuple(label for name in names for label in name.split())


def _distinct(found: Iterable[Pronunciation]) -> tuple[Pronunciation, ...]:
    return tuple(dict.fromkeys(said for said in found if said))


def _without_accents(word: str) -> str:
    """A word with plain letters for accented ones."""
    return "".join(one for one in unicodedata.normalize("NFKD", word) if not unicodedata.combining(one))
