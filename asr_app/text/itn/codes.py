"""Codes: letters and digits of one thing, or a number that a thing is known by."""

import re
from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, SCALES, SMALL, TENS, ZEROS, at, below_hundred, cardinal, digit_run
from asr_app.text.itn.style import USUAL, Style

_SHORTEST = 3
_ON = frozenset({"hundred", "point", *SCALES})
"""Words with which a number goes on that is none of single digits."""
_THINGS = "airbus boeing box extension flight form highway interstate port room route suite"
_NUMBERED = frozenset(_THINGS.split())
"""What has a number of which hundreds are left out: boeing seven forty seven, form ten forty."""
_COMPOUNDS = frozenset({"section", "sections", "shirt", "shirts", "ray", "rays", "turn", "turns", "mail", "mails"})
"""Words that a letter before them belongs to: two c sections."""
_COUNTED = frozenset({"degrees", "dollars", "hours", "minutes", "percent", "seconds"})
"""Words that the number before them belongs to: s p o two ninety eight percent."""
_SEGMENTS = re.compile(r"([ctl]\d{1,2})([ctls]\d{1,2})")
"""Two neighbours in a spine: L4-L5."""
_POSTCODE = re.compile(r"((?:[a-z]{2}|[beglmnsw])\d[a-z\d]?)(\d[abd-hjlnp-uw-z]{2})")
"""The United Kingdom's: SW1A 1AA. Its last letters are none of c, i, k, m, o, v."""


def find_code(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Letters and digits in one word (B52, ABC123), or three digits and more (room two oh four, flight two sixty)."""
    found = _numbered(words, place) or _dashed(words, place, style)
    if found:
        return found
    digits, after = digit_run(words, place)
    pieces, end = _pieces(words, place)
    for pattern, joint in ((_POSTCODE, " "), (_SEGMENTS, "-")):
        parted = pattern.fullmatch("".join(pieces))
        if parted:
            return end, style.letters(joint.join(parted.groups()))
    while not style.colloquial and pieces and pieces[-1] in ("a", "i"):  # "flight b two seven i think"
        pieces.pop()
        end -= 1
    text = "".join(pieces)
    long_enough = len(text) >= (_SHORTEST if style.colloquial else 2)
    if long_enough and _is_mixed(text) and _begins_a_code(words, place, style) and not _is_year(pieces):
        return end, style.letters(text)
    is_long = len(digits) >= _SHORTEST and at(words, place) not in ("o", "oh") and at(words, after) not in _ON
    return (after, digits) if is_long else None


def _pieces(words: Sequence[str], place: int) -> tuple[list[str], int]:
    """Letters and numbers in a row, without those that belong to what follows, and their end."""
    pieces: list[str] = []
    end = place
    while piece := _piece(words, end):
        text, after = piece
        follows = at(words, after)
        if follows in _ON or (words[end] == "one" and follows == "of"):  # "p one hundred", "in room b one of them"
            break
        if follows in (_COMPOUNDS if text.isalpha() else _COUNTED):
            break
        is_value = text.isdecimal() and int(text) > USUAL.spelled_to and not _piece(words, after)
        if is_value and len(pieces) > 2 and "".join(pieces).isalpha():  # b u n eighteen
            break
        pieces.append(text)
        end = after
    return pieces, end


def _numbered(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """The number of a thing that is known by it, said in parts: two sixty, ten forty."""
    first = below_hundred(words, place) if at(words, place - 1) in _NUMBERED else None
    second = below_hundred(words, first[1]) if first else None
    if first is None or second is None or second[0] < 10 or at(words, second[1]) in _ON:
        return None
    return second[1], f"{first[0]}{second[0]}"


def _dashed(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Groups of digits and letters with "dash" between, as of a case or an order: twenty three dash one four five."""
    groups: list[str] = []
    end = place - 1
    while end < place or at(words, end) in ("dash", "hyphen"):
        group, after = "", end + 1
        while piece := _piece(words, after):
            group, after = group + piece[0], piece[1]
        whole = cardinal(words, end + 1)
        if whole and whole[1] > after:
            group, after = str(whole[0]), whole[1]
        if not group or group == "a" or at(words, after) in _ON:
            break
        groups.append(group)
        end = after
    text = "-".join(groups)
    return (end, style.letters(text)) if len(groups) > 1 and not "".join(groups).isalpha() else None


def _is_mixed(text: str) -> bool:
    return not text.isalpha() and not text.isdecimal()


def _is_year(pieces: list[str]) -> bool:
    """Whether an initial stands before a year: "smith g nineteen ninety six"."""
    return len(pieces) == 3 and pieces[0].isalpha() and pieces[1] in ("18", "19", "20") and len(pieces[2]) == 2


def _piece(words: Sequence[str], place: int) -> tuple[str, int] | None:
    """A letter, a digit or a number below a hundred; an "o" is a letter here unless it stands between digits."""
    word = at(words, place)
    if word == "double" and len(at(words, place + 1)) == 1 and words[place + 1].isalpha():
        return words[place + 1] * 2, place + 2
    if word in ("oh", "o") and (at(words, place - 1) in DIGITS or at(words, place - 1) in ZEROS):
        return "0", place + 1
    if len(word) == 1 and word.isalpha():
        return word, place + 1
    if word in DIGITS:
        return str(DIGITS[word]), place + 1
    if word in TENS or word in SMALL:
        read = below_hundred(words, place)
        return (str(read[0]), read[1]) if read else None
    return None


def _begins_a_code(words: Sequence[str], place: int, style: Style) -> bool:
    """Whether a run of letters and digits is one thing: "a thirty six" and "i one" are two words."""
    first, second = at(words, place), at(words, place + 1)
    if first == "a" and at(words, place - 1) in ("an", "the"):  # the a four paper
        return True
    if first in ("a", "i", "o"):
        return len(second) == 1 and second not in ("a", "i", "o")
    if len(first) == 1:
        return True
    spelled_after = len(second) == 1 and second not in ("a", "i", "o")
    return spelled_after and (style.colloquial or len(at(words, place + 2)) != 1)  # "one t v" is a number and a word
