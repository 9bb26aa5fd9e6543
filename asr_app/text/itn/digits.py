"""What is said digit by digit: telephone and card numbers, network addresses."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, at, below_hundred, digit_run
from asr_app.text.itn.style import Style

_CARD = 16


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
