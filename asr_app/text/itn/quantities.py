"""Numbers by themselves: cardinals, decimals, ordinals, fractions; and the amounts that units and currencies follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from asr_app.text.itn.numbers import DIGITS, MILLIONS, SCALES, SMALL, TENS, ZEROS, at, below_hundred, cardinal, ordinal
from asr_app.text.itn.style import Style


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as it is written, its large scale ("million", or nothing), whether it is one or a small whole number."""

    figures: str
    scale: str
    end: int
    is_one: bool = False
    is_small: bool = False

    @property
    def text(self) -> str:
        """Figures and scale."""
        return f"{self.figures} {self.scale}".rstrip()


def amount(words: Sequence[str], place: int, style: Style) -> Amount | None:
    """The longest number that begins at a place: "minus twelve point five", "three million", "two hundred"."""
    minus = at(words, place) in ("minus", "negative") and at(words, place - 1) != "or"  # plus or minus five
    begin = place + minus
    whole = cardinal(words, begin)
    read = _scaled(words, begin, style) or _decimal(words, begin, whole, style)
    if read is None and whole is not None:
        value, end = whole
        read = Amount(style.integer(value), "", end, value == 1, value <= style.spelled_to)
    if read is None or not minus:
        return read
    return Amount(f"-{read.figures}", read.scale, read.end, is_small=read.is_small)


def _scaled(words: Sequence[str], place: int, style: Style) -> Amount | None:
    """A number below a thousand and one scale from a million on, with nothing more: "three million"."""
    end = place
    while at(words, end) in SMALL or at(words, end) in ("hundred", "and") or below_hundred(words, end):
        end += 1
    head = cardinal(words[:end], place)
    if head is None or head[1] != end or at(words, end) not in MILLIONS or head[0] >= 1000:
        return None
    whole = cardinal(words, place)
    if whole is None or whole[1] != end + 1:
        return None
    return Amount(style.integer(head[0]), words[end], end + 1)


def _decimal(words: Sequence[str], place: int, whole: tuple[int, int] | None, style: Style) -> Amount | None:
    """[A whole number,] "point" and digits [and a scale]; a version has several points."""
    value, point = whole if whole else (0, place)
    if not _is_point(words, point, whole is not None):
        return None
    decimals, end = _decimals(words, point + 1)
    if not decimals:
        return None
    is_version = whole is not None and at(words, place - 1) != "point"  # not "point four point five point one"
    while is_version and _is_point(words, end) and _decimals(words, end + 1)[0]:
        more, end = _decimals(words, end + 1)
        decimals = f"{decimals}.{more}"
    scale = at(words, end) if at(words, end) in SCALES else ""
    leading = style.integer(value) if whole or style.capitals else ""
    return Amount(f"{leading}.{decimals}", scale, end + bool(scale))


def _is_point(words: Sequence[str], place: int, inside: bool = True) -> bool:
    """Whether a point is said; as "dot" only inside a number: python three dot twelve."""
    return at(words, place) == "point" or (inside and at(words, place) == "dot")


def _decimals(words: Sequence[str], place: int) -> tuple[str, int]:
    """What follows a point: digits one by one, or one number below a hundred as in "three point fourteen"."""
    digits, end = "", place
    while (value := DIGITS.get(at(words, end), ZEROS.get(at(words, end)))) is not None:
        digits, end = digits + str(value), end + 1
    if digits:
        return digits, end
    pair = below_hundred(words, place)
    return (str(pair[0]), pair[1]) if pair else ("", place)


def find_number(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """A cardinal above the spelled ones, or a decimal."""
    read = amount(words, place, style)
    if read is None or (read.is_small and not read.scale):
        return None
    if at(words, place) == "point" and (read.end - place < 3 and not read.scale and place > 0):
        return None  # "at this point two of them"
    if at(words, place) == "negative" and "." not in read.figures and at(words, read.end):
        return None
    return None if _goes_on(words, place, read) else (read.end, read.text)


def _goes_on(words: Sequence[str], place: int, read: Amount) -> bool:
    """Whether "two fifty" is said, a price, a time, or two numbers: half of it in figures would be none of these."""
    is_pair = at(words, place) in {*TENS, *SMALL} and len(read.figures) == 2 and not read.scale
    before = at(words, place - 2)
    alone = before not in {*SMALL, *TENS, *ZEROS, *SCALES, "hundred", "point", "double", "triple"}
    return is_pair and alone and 1 <= SMALL.get(at(words, place - 1), 0) <= 12


def find_ordinal(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """An ordinal above the spelled ones; two words of which the second is a fraction's part are none."""
    read = ordinal(words, place)
    if read is None or read[0] <= style.ordinals_spelled_to:
        return None
    value, end = read
    if words[end - 1] == "second" and at(words, place - 1) in ("a", "another"):
        return None  # a thirty second break
    return end, f"{style.integer(value)}{_suffix(value)}"


def _suffix(value: int) -> str:
    return "th" if 10 < value % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4}
_FRACTION_UNITS = "inch inches mile miles cup cups teaspoon teaspoons tablespoon tablespoons foot feet acres pint pints"
_UNITS_OF_FRACTIONS = frozenset(_FRACTION_UNITS.split())


def find_fraction(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Fractions before a unit, of small parts, or behind a number in figures; "two thirds of them" stays in words."""
    whole = cardinal(words, place)
    if whole and at(words, whole[1]) == "and":
        part = _fraction(words, whole[1] + 1)
        if part and (whole[0] > style.spelled_to or _before_unit(words, part[2])):
            return part[2], f"{style.integer(whole[0])} {part[0]}/{part[1]}"
    part = _fraction(words, place)
    if part and at(words, place) != "a" and (part[1] >= 8 or _before_unit(words, part[2])):
        return part[2], f"{part[0]}/{part[1]}"
    return None


def _before_unit(words: Sequence[str], place: int) -> bool:
    place += at(words, place) == "of"
    return at(words, place + (at(words, place) in ("a", "an"))) in _UNITS_OF_FRACTIONS


def _fraction(words: Sequence[str], place: int) -> tuple[int, int, int] | None:
    """Numerator, denominator and end of "a half", "three quarters", "seven sixteenths", "five thirty seconds"."""
    numerator = (1, place + 1) if at(words, place) == "a" else below_hundred(words, place)
    if numerator is None:
        return None
    if numerator[0] > 20 and at(words, numerator[1]) not in _PARTS:
        numerator = below_hundred(words[: place + 1], place)
    value, place = numerator or (0, place)
    if at(words, place) in _PARTS:
        return value, _PARTS[at(words, place)], place + 1
    for length in (2, 1):
        said = list(words[place : place + length])
        if len(said) == length and said[-1].endswith("s") == (value > 1):
            read = ordinal([*said[:-1], said[-1].removesuffix("s")], 0)
            if read and read[1] == length and read[0] > 2:
                return value, read[0], place + length
    return None
