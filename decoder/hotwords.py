"""Hotwords: a bonus for words and phrases that are expected, given while they are being said.

The phrases are an automaton over words (Aho, Corasick: Efficient string matching, 1975): a hypothesis keeps the
place of the longest phrase that its last words begin, so a word costs one step however many phrases there are.
A phrase earns its weight word by word, lest the beam should lose it before it is complete; when it breaks off,
what it had earned is taken back. In the end a hypothesis has the weights of the phrases that occur in it whole.
"""

from collections.abc import Mapping, Sequence
from math import isfinite

START = 0
"""The place where no phrase has begun."""


class Hotwords:
    """Phrases of word numbers with a weight for each of their words; immutable."""

    def __init__(self, weights: Mapping[str, float], numbers: Mapping[str, int]) -> None:
        """The bonus, a natural logarithm, of each word of a phrase; and the numbers of all words.

        Raises ValueError that names the phrase where it is empty, has a word without a number or a weight
        that is not above 0.
        """
        self._children: dict[tuple[int, int], int] = {}
        self._parents: list[tuple[int, int]] = [(START, -1)]
        self._pending = [0.0]
        self._complete = [0.0]
        for text, weight in weights.items():
            self._add(_checked(text, weight, numbers), weight)
        self._shorter = [START] * len(self._parents)
        self._link()

    @property
    def words(self) -> set[int]:
        """The numbers of all words of the phrases."""
        return {word for _, word in self._parents[1:]}

    def starts(self) -> dict[int, float]:
        """What each word earns that begins a phrase."""
        return {word: self.advance(START, word)[1] for place, word in self._children if place == START}

    def most(self) -> dict[int, float]:
        """No word of a phrase earns more than this, wherever it is said."""
        most: dict[int, float] = {}
        for (_, word), place in self._children.items():
            most[word] = max(most.get(word, 0.0), self._complete[place] + self._pending[place])
        return most

    def advance(self, place: int, word: int) -> tuple[int, float]:
        """The place after a word, and what the word earns: less than nothing where it breaks a phrase off."""
        before = self._pending[place]
        place = self._follow(place, word)
        return place, self._complete[place] + self._pending[place] - before

    def unearned(self, place: int) -> float:
        """What a phrase that is not complete has earned so far: to be taken back at the end."""
        return self._pending[place]

    def _follow(self, place: int, word: int) -> int:
        """The longest beginning of a phrase that the words of a place and one more end in."""
        while (place, word) not in self._children and place != START:
            place = self._shorter[place]
        return self._children.get((place, word), START)

    def _add(self, phrase: Sequence[int], weight: float) -> None:
        """Enter a phrase; a place's pending bonus is that of the best phrase that goes on from it."""
        place = START
        for length, word in enumerate(phrase, 1):
            self._pending[place] = max(self._pending[place], weight * (length - 1))
            child = self._children.setdefault((place, word), len(self._parents))
            if child == len(self._parents):
                self._parents.append((place, word))
                self._pending.append(0.0)
                self._complete.append(0.0)
            place = child
        self._complete[place] = max(self._complete[place], weight * len(phrase))

    def _link(self) -> None:
        """Point each place to the longest shorter one that its words end in, whose complete phrases are its own too."""
        depth = [0] * len(self._parents)
        for place, (parent, _) in enumerate(self._parents[1:], 1):
            depth[place] = depth[parent] + 1
        for place in sorted(range(1, len(depth)), key=depth.__getitem__):
            parent, word = self._parents[place]
            if parent != START:
                self._shorter[place] = self._follow(self._shorter[parent], word)
                self._complete[place] += self._complete[self._shorter[place]]


def _checked(text: str, weight: float, numbers: Mapping[str, int]) -> list[int]:
    """The words of a phrase."""
    words = text.split()
    if not words:
        raise ValueError(f"hotword {text!r}: there is no word in it")
    if not (isfinite(weight) and weight > 0):
        raise ValueError(f"hotword {text!r}: the weight must be a number above 0, not {weight}")
    unknown = [word for word in words if word not in numbers]
    if unknown:
        raise ValueError(f"hotword {text!r}: the lexicon has no word {unknown[0]!r}")
    return [numbers[word] for word in words]
