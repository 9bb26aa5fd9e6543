"""Letters said one by one that make an abbreviation."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import at
from asr_app.text.itn.style import Style

_KNOWN = (
    "ai id ip iq it iv ac ad abc aids acl adhd afc afl aka amd apa api app apr arm ascii asap atm atp aws iban ibm ibs "
    "icu imdb imf ios ipa ipo ira irs isbn iso isp ivf "
    "bmi cgi cia cpa csi dna dui epa eta faa fbi fda fema fifa fyi gpa gui la mba mri nasa nba ncaa nra nsa qa rna "
    "roi sla tba ucla ui usa usda ymca"
)
_WITH_A_OR_I = frozenset(_KNOWN.split())
"""Abbreviations that begin or end with a letter that is a word as well."""
_OF_ONE = (
    "abc amc bbc bmw cbs cia cnn dc espn eu fbi fda gm hbo ibm mit mlb mtv nasa nba nbc nfl nhl nypd uae ucla uk un us "
    "usa ussr who wwe"
)
_NAMES = frozenset(_OF_ONE.split())
_COUNTING = "two three four five six seven eight nine ten many some few several these those other more most all such no"
_QUANTIFIERS = frozenset(_COUNTING.split())
_MOST = 6
"""Letters in a row; more are a name that is spelled out, of which no capitals would make a word."""
_NEAR = 3
"""Words behind a name at which it may be spelled out: "smith that's s m i t h"."""


def find_letters(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Two letters and more in one word, DVDs too; an "a" or "i" beside them is a word of its own unless it is known."""
    if not style.capitals:
        return None
    spelled = _spelled_out(words, place)
    if spelled:
        return spelled
    begin = end = place
    while end - begin <= _MOST and _is_letter(at(words, end)):
        end += 1
    while end - begin <= _MOST and _is_letter(at(words, begin - 1)):
        begin -= 1
    if end - begin > _MOST:
        return None
    last = at(words, end)
    if len(last) == 3 and last.endswith("'s") and end > place:
        letters = "".join(words[place:end]) + last[0]
        end, ending = end + 1, "s" if _are_many(letters, at(words, place - 1)) else "'s"
    else:
        while end > place and words[end - 1] in ("a", "i") and "".join(words[place:end]) not in _WITH_A_OR_I:
            end -= 1  # "on the t v i saw"
        letters, ending = "".join(words[place:end]), ""
    if len(letters) < 2 or len(set(letters)) == 1:  # "y y you know"
        return None
    if letters[0] in "aio" and letters not in _WITH_A_OR_I:
        return None
    return end, letters.upper() + ending


def _spelled_out(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """The letters of a word just before: "smith that's s m i t h"."""
    for name in words[max(0, place - _NEAR) : place]:
        end = place + len(name)
        is_whole = not _is_letter(at(words, end)) or words[end] in ("a", "i")
        if len(name) > 2 and list(words[place:end]) == list(name) and is_whole:
            return end, "-".join(name).upper()
    return None


def _are_many(letters: str, before: str) -> bool:
    """Whether "d v d's" are several; the p m's and u k's are of one."""
    return before in _QUANTIFIERS or (letters not in _NAMES and before != "the")


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()
