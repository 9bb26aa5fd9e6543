"""English number words: cardinals, ordinals, years and digit strings as they are said."""

from functools import lru_cache

_UNITS = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
LARGEST = 1000 ** len(_SCALES) - 1
"""The largest number that `cardinal` can say."""


def _below_hundred(number: int) -> str:
    if number < 20:
        return _UNITS[number]
    tens, unit = divmod(number, 10)
    return f"{_TENS[tens]} {_UNITS[unit]}" if unit else _TENS[tens]


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_UNITS[hundreds]} hundred" + (f" and {_below_hundred(rest)}" if rest else "")


@lru_cache(maxsize=100_000)
def cardinal(number: int) -> str:
    """How a number is said: 1205 is "one thousand two hundred and five"; ValueError outside 0..LARGEST."""
    if not 0 <= number <= LARGEST:
        raise ValueError(f"cannot say {number} in words")
    groups = []
    rest = number
    for scale in _SCALES:
        rest, group = divmod(rest, 1000)
        if group:
            groups.append(f"{_below_thousand(group)} {scale}".strip())
    words = " ".join(reversed(groups)) or "zero"
    joined_by_and = number > 1000 and 0 < number % 1000 < 100
    if joined_by_and:
        words = f"{words.removesuffix(groups[0])}and {groups[0]}"
    return words


@lru_cache(maxsize=10_000)
def ordinal(number: int) -> str:
    """The ordinal of a number: 21 is "twenty first"."""
    head, _, last = cardinal(number).rpartition(" ")
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return f"{head} {last}".strip()


@lru_cache(maxsize=4_000)
def year(number: int) -> str:
    """A year of four digits in pairs: 1984 is "nineteen eighty four", 1905 "nineteen oh five"."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(number)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def plural(words: str) -> str:
    """The plural of number words: "nineteen eighty" becomes "nineteen eighties"."""
    return words[:-1] + "ies" if words.endswith("y") else words + ("es" if words.endswith("x") else "s")


def digits(text: str) -> str:
    """Each digit of a string by itself: "0425" is "zero four two five"; other characters are passed over."""
    return " ".join(_UNITS[int(character)] for character in text if character in "0123456789")
