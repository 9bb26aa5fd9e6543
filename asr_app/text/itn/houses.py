"""House numbers, which are in figures however small they are: at twelve main street."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import at, cardinal
from asr_app.text.itn.style import Style

_BEFORE = frozenset({"at", "to", "address"})
_STREETS = frozenset({"street", "avenue", "road", "lane", "drive", "boulevard", "court", "terrace"})
_NO_NAMES = frozenset({"a", "an", "and", "in", "lane", "long", "more", "of", "on", "other", "the"})


def find_house(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """A number with one or two words between it and a street."""
    read = cardinal(words, place) if at(words, place - 1) in _BEFORE else None
    if read is None:
        return None
    value, end = read
    for street in (end + 1, end + 2):
        if at(words, street) in _STREETS and _NO_NAMES.isdisjoint(words[end:street]):
            return end, style.integer(value)
    return None
