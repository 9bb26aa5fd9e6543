"""House numbers, which are in figures however small they are: at twelve main street."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, Reading, at, below_hundred, cardinal, year
from asr_app.text.itn.style import Style

_BEFORE = frozenset({"at", "to", "address"})
_DISTANCES = frozenset({"day", "hour", "mile", "minute", "way", "week", "wheel"})
_STREETS = frozenset({"street", "avenue", "road", "lane", "drive", "boulevard", "court", "terrace"})
_DIRECTIONS = frozenset({"north", "south", "east", "west"})
_NO_NAMES = frozenset({"a", "an", "and", "in", "lane", "long", "more", "of", "on", "other", "the"})


def find_house(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """A number with one or two words between it and a street."""
    read = _number(words, place)
    if read is None:
        return None
    value, end = read
    of_address = at(words, place - 1) in _BEFORE or (at(words, place - 2), at(words, place - 1)) == ("address", "is")
    if at(words, end) in _DIRECTIONS and value >= 100 and _STREETS.intersection(words[end + 2 : end + 4]):
        return end, style.integer(value)  # one sixty west fifty second street
    for street in (end + 1, end + 2):
        if at(words, street) in _STREETS and _NO_NAMES.isdisjoint(words[end:street]):
            is_line = place == 0 and street + 1 == len(words) and _DISTANCES.isdisjoint(words[end:street])
            return (end, style.integer(value)) if of_address or is_line else None
    return None


def _number(words: Sequence[str], place: int) -> Reading | None:
    """A house's number, the hundred of which may be left out: seven fifteen, twelve fifty."""
    hundreds = DIGITS.get(at(words, place), 0)
    pair = below_hundred(words, place + 1) if hundreds else None
    if pair and pair[0] >= 10:
        return 100 * hundreds + pair[0], pair[1]
    return year(words, place) or cardinal(words, place)
