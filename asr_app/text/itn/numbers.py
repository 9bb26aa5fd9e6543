"""Reading number words: cardinals, ordinals, strings of digits, years. Every reader gives a value and where it ends."""

from collections.abc import Sequence

Reading = tuple[int, int]
"""A value, and the place after its last word."""

_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SCALES = "thousand million billion trillion quadrillion quintillion sextillion"
_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
SMALL = {word: value for value, word in enumerate(f"{_SMALL} seventeen eighteen nineteen".split())}
DIGITS = {word: value for word, value in SMALL.items() if value < 10}
ZEROS = {"zero": 0, "oh": 0, "o": 0}
TENS = {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}
SCALES = {word: 1000**power for power, word in enumerate(_SCALES.split(), start=1)}
MILLIONS = frozenset(SCALES) - {"thousand"}

_IRREGULAR = {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
_REGULAR = {f"{word}th": value for word, value in SMALL.items() if value and value not in _IRREGULAR.values()}
_ORDINALS = _IRREGULAR | _REGULAR
_TENTHS = {f"{word[:-1]}ieth": value for word, value in TENS.items()}
_SCALE_ORDINALS = {f"{word}th": value for word, value in (("hundred", 100), *SCALES.items())}


def at(words: Sequence[str], place: int) -> str:
    """The word at a place; empty outside."""
    return words[place] if 0 <= place < len(words) else ""


def below_hundred(words: Sequence[str], place: int) -> Reading | None:
    """1 to 99."""
    word = at(words, place)
    if word in TENS:
        unit = DIGITS.get(at(words, place + 1), 0)
        return TENS[word] + unit, place + (2 if unit else 1)
    value = SMALL.get(word, 0)
    return (value, place + 1) if value else None


def _hundreds(words: Sequence[str], place: int) -> Reading | None:
    """1 to 9999: with hundreds, also those of "nineteen hundred and five"."""
    head = below_hundred(words, place)
    if head is None and at(words, place) == "a" and at(words, place + 1) == "hundred":
        head = 1, place + 1
    if head is None:
        return None
    value, end = head
    if at(words, end) != "hundred" or (value >= 10 and value % 10 == 0):
        return None if at(words, place) == "a" else head
    end += 1
    rest = below_hundred(words, end + (at(words, end) == "and"))
    goes_on = rest and at(words, rest[1]) != "hundred"  # "between one hundred and two hundred" has two numbers
    return (100 * value + rest[0], rest[1]) if rest and goes_on else (100 * value, end)


def cardinal(words: Sequence[str], place: int) -> Reading | None:
    """A number from zero on: "one hundred and five thousand two hundred"; "a hundred" only where more follows."""
    if at(words, place) == "zero":
        return 0, place + 1
    group = _hundreds(words, place)
    if group is None:
        return None
    total, limit, end = 0, 1000 ** (len(SCALES) + 1), place
    while group is not None:
        scale = SCALES.get(at(words, group[1]), 1)
        if scale >= limit or (scale > 1 and group[0] >= 1000):
            break
        total, limit, end = total + group[0] * scale, scale, group[1] + (scale > 1)
        if scale == 1:
            break
        group = _hundreds(words, end + (at(words, end) == "and"))
    if at(words, place) == "a" and end == place + 2:
        return None
    return (total, end) if end > place else None


def ordinal(words: Sequence[str], place: int) -> Reading | None:
    """An ordinal: "twenty third", "two hundred and fifth", "one thousandth"."""
    whole = cardinal(words, place)
    if whole is None:
        part = _ordinal_below_hundred(at(words, place))
        return (part, place + 1) if part else None
    value, end = whole
    scale = _SCALE_ORDINALS.get(at(words, end), 0)
    if scale:  # of the last group only: one thousand six hundredth
        group = value % 1000
        above = 1000 if scale == 100 else 1000 * scale
        fits = 0 < group * scale < above and (value - group) % above == 0
        return (value - group + group * scale, end + 1) if fits else None
    end += at(words, end) == "and"
    part = _ordinal_below_hundred(at(words, end))
    fits = value % 10 == 0 and (part < 10 if value % 100 else value >= 100)
    return (value + part, end + 1) if part and fits else None


def _ordinal_below_hundred(word: str) -> int:
    """The value of "first" to "nineteenth" and of the round tens, 0 for another word."""
    return _ORDINALS.get(word, _TENTHS.get(word, 0))


def digit_run(words: Sequence[str], place: int) -> tuple[str, int]:
    """Digits said one by one, with "double" and "triple": the string, empty where there is none, and its end."""
    digits, end = "", place
    while True:
        times = {"double": 2, "triple": 3}.get(at(words, end), 1)
        word = at(words, end + (times > 1))
        value = DIGITS.get(word, ZEROS.get(word))
        if value is None:
            return digits, end
        digits, end = digits + str(value) * times, end + 1 + (times > 1)


def year(words: Sequence[str], place: int) -> Reading | None:
    """A year of four digits: "nineteen eighty four", "twenty oh five", "two thousand and one", "nineteen hundred"."""
    head = at(words, place)
    century = SMALL.get(head, 0) if SMALL.get(head, 0) > 9 else TENS.get(head, 0)
    if century:
        if at(words, place + 1) in ("oh", "o") and DIGITS.get(at(words, place + 2), 0):
            return 100 * century + DIGITS[at(words, place + 2)], place + 3
        rest = below_hundred(words, place + 1)
        if rest and rest[0] > 9:
            return 100 * century + rest[0], rest[1]
    whole = cardinal(words, place)
    return whole if whole and 1000 <= whole[0] < 3000 else None
