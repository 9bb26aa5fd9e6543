"""Finding phrases of several words in a text: the longest that begins at each place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Match(Generic[Value]):
    """The words [start, end) are a known phrase."""

    start: int
    end: int
    value: Value


class Phrases(Generic[Value]):
    """Phrases and what they stand for; case does not count. Finding takes time linear in the number of words."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = {tuple(phrase.casefold().split()): value for phrase, value in values.items()}
        longest: dict[str, int] = {}
        for phrase in self._values:
            longest[phrase[0]] = max(len(phrase), longest.get(phrase[0], 0))
        self._longest = longest

    def at(self, words: Sequence[str], place: int) -> Match[Value] | None:
        """The longest phrase that begins at a place."""
        for length in range(self._longest.get(words[place].casefold(), 0), 0, -1):
            said = tuple(word.casefold() for word in words[place : place + length])
            if len(said) == length and said in self._values:
                return Match(place, place + length, self._values[said])
        return None

    def find(self, words: Sequence[str]) -> Iterator[Match[Value]]:
        """The phrases in a text, from left to right, without overlap."""
        place = 0
        while place < len(words):
            match = self.at(words, place)
            if match:
                yield match
            place = match.end if match else place + 1
