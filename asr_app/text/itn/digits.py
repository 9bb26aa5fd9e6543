"""What is said digit by digit or letter by letter: telephone and card numbers, network addresses, codes."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, SCALES, SMALL, TENS, ZEROS, at, below_hundred, digit_run
from asr_app.text.itn.style import Style

_SHORTEST = 3
_CARD = 16
_ON = frozenset({"hundred", "point", *SCALES})
"""Words with which a number goes on that is none of single digits."""
_NUMBERED = frozenset({"airbus", "boeing", "extension", "flight", "highway", "interstate", "room", "route", "suite"})
"""What has a number of which a hundred is left out: boeing seven forty seven."""


def find_telephone(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """[plus, a country's code and] ten digits, toll-free, seven digits, a card's sixteen, or a network address."""
    found = _network_address(words, place) or _toll_free(words, place)
    if found:
        return found
    plus = at(words, place) == "plus"
    number, end = _groups(words, place + plus)
    if at(words, place) == "zero" or not plus:
        plain, plain_end = digit_run(words, place)
        number, end = (number, end) if len(number) in (10, 11, _CARD) else (plain, plain_end)
    is_abroad = plus or style.colloquial or (len(number) == 11 and number[0] == "1")
    if 10 < len(number) <= 13 and is_abroad:
        return end, f"{'+' if plus else ''}{number[:-10]} {_telephone(number[-10:])}"
    if plus:
        return None
    if len(number) == 11 and number[0] == "0" and (place or at(words, place) == "zero"):
        return end, _british(number)
    if len(number) == 10:
        return end, _telephone(number)
    if len(number) == 9 and style.colloquial:
        return end, f"{number[:3]}-{number[3:5]}-{number[5:]}"
    if len(number) == 7 and not style.colloquial:
        return end, f"{number[:3]}-{number[3:]}"
    if len(number) == _CARD:
        return end, " ".join(number[k : k + 4] for k in range(0, _CARD, 4))
    return None


def _toll_free(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """[one,] eight hundred, and seven digits one by one."""
    begin = place + (at(words, place) == "one" and at(words, place + 2) == "hundred")
    hundreds = DIGITS.get(at(words, begin))
    number, end = digit_run(words, begin + 2)
    if hundreds is None or at(words, begin + 1) != "hundred" or len(number) != 7:
        return None
    return end, f"{'1 ' * (begin > place)}{_telephone(f'{hundreds}00{number}')}"


def _telephone(number: str) -> str:
    return f"{number[:3]}-{number[3:6]}-{number[6:]}"


def _british(number: str) -> str:
    """An area code of three digits, as London's, or of five."""
    return f"{number[:3]} {number[3:7]} {number[7:]}" if number[1] == "2" else f"{number[:5]} {number[5:]}"


def _groups(words: Sequence[str], place: int) -> tuple[str, int]:
    """Digits said one by one or in pairs ("five fifty five, twenty three ..."), and where they end."""
    number, end = "", place
    while True:
        digits, after = digit_run(words, end)
        if not digits:
            pair = below_hundred(words, end)
            if pair is None or pair[0] < 10:
                return number, end
            digits, after = str(pair[0]), pair[1]
        number, end = number + digits, after


def _network_address(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """Four numbers up to 255 with dots between."""
    parts: list[str] = []
    end = place
    for index in range(4):
        if index and at(words, end) != "dot":
            return None
        number, end = _groups(words, end + bool(index))
        if not number or len(number) > 3 or int(number) > 255:
            return None
        parts.append(number)
    return end, ".".join(parts)


def find_code(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Letters and digits in one word (B52, ABC123), or three digits and more (room two oh four, flight two sixty)."""
    if at(words, place - 1) in _NUMBERED and at(words, place) in DIGITS:
        pair = below_hundred(words, place + 1)
        if pair and pair[0] >= 10 and at(words, pair[1]) not in _ON:
            return pair[1], f"{DIGITS[words[place]]}{pair[0]}"
    digits, after = digit_run(words, place)
    pieces: list[str] = []
    end = place
    while piece := _piece(words, end):
        follows = at(words, piece[1])
        if follows in _ON or (words[end] == "one" and follows == "of"):  # "p one hundred", "in room b one of them"
            break
        pieces.append(piece[0])
        end = piece[1]
    while not style.colloquial and at(words, end - 1) in ("a", "i") and pieces:  # "flight b two seven i think"
        pieces.pop()
        end -= 1
    text = "".join(pieces)
    long_enough = len(text) >= (_SHORTEST if style.colloquial else 2)
    if long_enough and _is_mixed(text) and _begins_a_code(words, place, style) and not _is_year(pieces):
        return end, style.letters(text)
    is_long = len(digits) >= _SHORTEST and at(words, place) not in ("o", "oh") and at(words, after) not in _ON
    return (after, digits) if is_long else None


def _is_mixed(text: str) -> bool:
    return not text.isalpha() and not text.isdecimal()


def _is_year(pieces: list[str]) -> bool:
    """Whether an initial stands before a year: "smith g nineteen ninety six"."""
    return len(pieces) == 3 and pieces[0].isalpha() and pieces[1] in ("18", "19", "20") and len(pieces[2]) == 2


def _piece(words: Sequence[str], place: int) -> tuple[str, int] | None:
    """A letter, a digit or a number below a hundred; an "o" is a letter here unless it stands between digits."""
    word = at(words, place)
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
    if first in ("a", "i", "o"):
        return len(second) == 1 and second not in ("a", "i", "o")
    if len(first) == 1:
        return True
    spelled_after = len(second) == 1 and second not in ("a", "i", "o")
    return spelled_after and (style.colloquial or len(at(words, place + 2)) != 1)  # "one t v" is a number and a word
