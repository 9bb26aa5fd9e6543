"""Titles before names, and letters said one by one that make an abbreviation."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import at
from asr_app.text.itn.style import Style

_TITLES = {"mister": "mr.", "missus": "mrs.", "misses": "mrs."}
_KNOWN = (
    "ai id ip iq it iv ac ad abc aids acl adhd afc afl aka amd apa api app apr arm ascii asap atm atp aws iban ibm ibs "
    "icu imdb imf ios ipa ipo ira irs isbn iso isp ivf"
)
_FROM_A_OR_I = frozenset(_KNOWN.split())
_MOST = 6
"""Letters in a row; more are a name that is spelled out, of which no capitals would make a word."""


def find_abbreviation(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Mister before a name, u s a."""
    word = at(words, place)
    if word in _TITLES and at(words, place + 1) and at(words, place - 1) not in ("the", "a", "my"):
        return (place + 1, style.name(_TITLES[word])) if word != "misses" or style.colloquial else None
    return _spelled_out(words, place) if style.capitals else None


def _spelled_out(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """Two letters and more in one word, DVDs too; an "a" or "i" beside them is a word of its own unless it is known."""
    begin = end = place
    while end - begin <= _MOST and _is_letter(at(words, end)):
        end += 1
    while end - begin <= _MOST and _is_letter(at(words, begin - 1)):
        begin -= 1
    if end - begin > _MOST:
        return None
    last = at(words, end)
    if len(last) == 3 and last.endswith("'s") and end > place:
        end, letters, plural = end + 1, "".join(words[place:end]) + last[0], "s"
    else:
        while end > place and words[end - 1] in ("a", "i") and "".join(words[place:end]) not in _FROM_A_OR_I | {"usa"}:
            end -= 1  # "on the t v i saw"
        letters, plural = "".join(words[place:end]), ""
    if len(letters) < 2 or len(set(letters)) == 1:  # "y y you know"
        return None
    if letters[0] in "aio" and letters not in _FROM_A_OR_I:
        return None
    return end, letters.upper() + plural


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()
