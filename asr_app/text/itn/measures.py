"""Numbers with units, ages, and blood pressure."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, Reading, at, below_hundred, cardinal
from asr_app.text.itn.quantities import amount
from asr_app.text.itn.style import Style

_PREFIXED = {"meter": "m", "gram": "g", "watt": "W", "hertz": "Hz", "volt": "V", "joule": "J", "pascal": "Pa",
             "newton": "N", "byte": "B", "bit": "b", "liter": "L", "ampere": "A"}  # fmt: skip
_PREFIXES = {"nano": "n", "micro": "μ", "milli": "m", "centi": "c", "kilo": "k", "mega": "M", "giga": "G",
             "tera": "T", "peta": "P"}  # fmt: skip
_TECHNICAL = {
    **{f"{prefix}{unit}": _PREFIXES[prefix] + _PREFIXED[unit] for prefix in _PREFIXES for unit in _PREFIXED},
    "hertz": "Hz", "watt": "W", "volt": "V", "watt hour": "Wh", "kilowatt hour": "kWh", "megawatt hour": "MWh",
    "gigawatt hour": "GWh", "millisecond": "ms", "microsecond": "μs", "nanosecond": "ns", "decibel": "dB",
    "kilocalorie": "kcal", "horsepower": "hp", "ampere": "A", "ohm": "Ω", "hectare": "ha", "electron volt": "eV",
    "astronomical unit": "au", "mile per hour": "mph", "revolution per minute": "rpm", "degree celsius": "°C",
    "degree centigrade": "°C", "degree fahrenheit": "°F", "celsius": "°C", "fahrenheit": "°F", "kelvin": "K",
    "milliliter": "mL", "atmosphere": "atm", "pixel": "px",
    **{f"{power} {unit}": f"{symbol}{sign}" for power, sign in (("square", "²"), ("cubic", "³"))
       for unit, symbol in (("meter", "m"), ("kilometer", "km"), ("centimeter", "cm"), ("millimeter", "mm"))},
    **{f"{size}{unit} per second": f"{sign}{symbol}ps" for size, sign in _PREFIXES.items()
       for unit, symbol in (("bit", "b"),)},
}  # fmt: skip
"""Units that prose writes as symbols behind figures."""
_EVERYDAY = {
    "meter": "m", "gram": "g", "second": "s", "minute": "min", "hour": "h", "inch": '"', "foot": "ft", "yard": "yd",
    "mile": "mi", "ounce": "oz", "bar": "bar", "square mile": "sq mi", "square foot": "sq ft", "liter": "L",
    "knot": "kt", "stone": "st",
}  # fmt: skip
"""Units that prose spells."""
_PER = {**_TECHNICAL, **_EVERYDAY}
_IRREGULAR = {"feet": "foot", "inches": "inch", "henries": "henry", "square feet": "square foot", "per cent": "percent"}
_LONGEST = 4
_OF_PRESSURE = frozenset({"pressure", "bp", "p"})
_AGES, _OLD = frozenset({"day", "week", "month", "year"}), frozenset({"old", "olds"})
_BEFORE_ONE = frozenset({"a", "the", "my", "your", "his", "her", "our", "their"})
"""Words that make a person of "one year old"."""


def find_measure(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """The number with its unit that begins at a place."""
    read = amount(words, place, style)
    if read is None:
        return None
    percent = 2 if at(words, read.end) == "per" and at(words, read.end + 1) == "cent" else 0
    if percent or at(words, read.end) == "percent":
        return read.end + (percent or 1), style.percent.format(number=read.text)
    unit = _unit(words, read.end, style)
    if unit is None:
        return None
    end, symbol = unit
    space = "" if symbol.startswith("°") and style.capitals else " "
    if not style.capitals:
        symbol = _lowered(symbol)
    return end, f"{read.text}{space}{symbol}"


def find_pressure(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Blood pressure, where the number before tells it or it is said: one twenty over eighty."""
    systolic, named = _systolic(words, place), not _OF_PRESSURE.isdisjoint(words[max(0, place - 4) : place])
    if systolic is None or at(words, systolic[1]) != "over":
        return None
    diastolic = _systolic(words, systolic[1] + 1) or below_hundred(words, systolic[1] + 1)
    if diastolic is None or not (70 <= systolic[0] <= 260 and 30 <= diastolic[0] < systolic[0]):
        return None
    is_short = systolic[0] >= 100 and "hundred" not in words[place : systolic[1]]
    return (diastolic[1], f"{systolic[0]}/{diastolic[0]}") if named or is_short else None


def _systolic(words: Sequence[str], place: int) -> Reading | None:
    """A number below 300, of which the hundred may be left out: one twenty, one oh five, ninety."""
    hundreds = DIGITS.get(at(words, place), 0)
    if hundreds and at(words, place + 1) in ("oh", "o") and at(words, place + 2) in DIGITS:
        return 100 * hundreds + DIGITS[words[place + 2]], place + 3
    pair = below_hundred(words, place + 1) if hundreds else None
    return (100 * hundreds + pair[0], pair[1]) if pair and pair[0] >= 10 else cardinal(words, place)


def find_age(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """An age that stands before or for whom it is of: twenty five year old, two-year-old; not "one year old"."""
    read = cardinal(words, place)
    if read is None or style.colloquial or at(words, read[1]) not in _AGES or at(words, read[1] + 1) not in _OLD:
        return None
    value, end = read
    if value == 1 and at(words, place - 1) not in _BEFORE_ONE:
        return None
    number = style.integer(value) if value > style.spelled_to else " ".join(words[place:end])
    return end + 2, f"{number}-{words[end]}-{words[end + 1]}"


def _lowered(symbol: str) -> str:
    """A symbol without its capitals, but for those that are none of a prefix or a name: kW, A, °C."""
    return symbol if symbol[0] in "°AK" else "".join(c if c in "WAμ" else c.lower() for c in symbol)


def _unit(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Where a unit ends, and its symbol: kilometers, kilometers per hour, cubic meters per second."""
    symbols = _PER if style.colloquial else _TECHNICAL
    for length in range(_LONGEST, 0, -1):
        said = _singular(words, place, length)
        end = place + length
        if said not in _PER:
            continue
        if at(words, end) == "per":
            below = next((k for k in (2, 1) if _singular(words, end + 1, k) in _PER), 0)
            if below:
                return end + 1 + below, f"{_PER[said]}/{_PER[_singular(words, end + 1, below)]}"
        if said in symbols:
            return end, symbols[said]
    return None


def _singular(words: Sequence[str], place: int, length: int) -> str:
    """A unit's name of so many words, in the singular and in American spelling."""
    if place + length > len(words):
        return ""
    head, per, tail = " ".join(words[place : place + length]).partition(" per ")
    head = _IRREGULAR.get(head, head).replace("metre", "meter").replace("litre", "liter")
    first, _, last = head.partition(" ")
    known = (name for name in (head, head.removesuffix("s"), f"{first.removesuffix('s')} {last}") if name in _PER)
    for prefix in _PREFIXES:
        if head.startswith(f"{prefix} "):
            return f"{prefix}{head.removeprefix(prefix).strip().removesuffix('s')}{per}{tail}"
    return f"{next(known, head.removesuffix('s'))}{per}{tail}"
