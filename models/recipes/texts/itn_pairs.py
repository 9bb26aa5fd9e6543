"""Pairs of spoken and written expressions: made by saying written ones in the ways people do, and found in texts.

How they are written is what edited prose has: $23.05, 3:30 p.m., March 3, 2021, 12,000, 5%.
"""

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from decoder.number_words import cardinal, digits, ordinal, plural, year
from models.recipes.file_errors import naming

_NAMES = "January February March April May June July August September October November December"
MONTHS = tuple(_NAMES.split())
_UNITS = {
    "kilometer": "km", "meter": "m", "centimeter": "cm", "millimeter": "mm", "kilogram": "kg",
    "gram": "g", "milligram": "mg", "ounce": "oz", "liter": "L", "milliliter": "mL",
    "kilometer per hour": "km/h", "mile per hour": "mph", "kilowatt": "kW", "megawatt": "MW", "volt": "V",
    "hertz": "Hz", "megahertz": "MHz", "gigahertz": "GHz", "megabyte": "MB", "gigabyte": "GB", "terabyte": "TB",
    "square meter": "m²", "square kilometer": "km²", "degree celsius": "°C", "degree fahrenheit": "°F",
}  # fmt: skip
_CURRENCIES = (("dollar", "$"), ("euro", "€"))
_ZONES = ("EST", "PST", "GMT", "UTC", "CST", "EDT", "PDT", "CET")
_PEOPLE = "john mary anna david info sales contact smith jones support hello news paul lisa admin office"
_MAILBOXES = tuple(_PEOPLE.split())
_SITES = "gmail yahoo hotmail outlook example company university nvidia bbc google amazon wikipedia github"
_HOSTS = tuple(_SITES.split())
_ENDINGS = ("com", "org", "net", "edu", "co.uk", "gov", "io", "fr", "de")
_SCALES = ("million", "billion", "trillion")

Random = random.Random
Pair = tuple[str, str]


def _magnitude(choice: Random) -> int:
    """Numbers of all lengths, small ones oftener."""
    return choice.randrange(10 ** choice.choice((1, 2, 2, 3, 3, 4, 5, 6, 7, 9, 12)))


def _said(number: int, choice: Random) -> str:
    """A cardinal with or without "and"; sometimes in hundreds, or beginning with "a"."""
    spoken = cardinal(number)
    if choice.random() < 0.6:
        spoken = spoken.replace(" and ", " ")
    if 1100 <= number < 10_000 and number % 1000 >= 100 and choice.random() < 0.15:
        rest = f" {cardinal(number % 100)}" if number % 100 else ""
        spoken = f"{cardinal(number // 100)} hundred{rest}"
    if 100 < number < 200 and choice.random() < 0.15:
        spoken = "a" + spoken.removeprefix("one")
    return spoken


def _figures(number: int) -> str:
    return f"{number:,}" if number >= 10_000 else str(number)


def _fraction_digits(choice: Random) -> str:
    return "".join(choice.choice("0123456789") for _ in range(choice.choice((1, 1, 2, 2, 3))))


def _spelled_digits(text: str, choice: Random) -> str:
    spoken = digits(text)
    return spoken.replace("zero", choice.choice(("oh", "o"))) if choice.random() < 0.3 else spoken


def _cardinal(choice: Random) -> Pair:
    number = _magnitude(choice)
    if choice.random() < 0.1:
        return f"minus {_said(number, choice)}", f"-{_figures(number)}"
    return _said(number, choice), _figures(number)


def _ordinal(choice: Random) -> Pair:
    number = 1 + choice.randrange(choice.choice((31, 100, 200, 3000)))
    spoken = ordinal(number)
    return spoken.replace(" and ", " ") if choice.random() < 0.5 else spoken, _with_ending(number)


def _with_ending(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _decimal(choice: Random) -> Pair:
    whole, decimals = _magnitude(choice) % 10_000, _fraction_digits(choice)
    spoken, written = f"{_said(whole, choice)} point {_spelled_digits(decimals, choice)}", f"{whole}.{decimals}"
    if choice.random() < 0.3:
        scale = choice.choice(_SCALES)
        return f"{spoken} {scale}", f"{written} {scale}"
    return spoken, written


def _percent(choice: Random) -> Pair:
    spoken, written = _decimal(choice) if choice.random() < 0.3 else _small(choice)
    return (f"{spoken} percent", f"{written}%") if not written[-1].isalpha() else (spoken, written)


def _small(choice: Random) -> Pair:
    number = choice.randrange(1, choice.choice((13, 100, 1000, 20_000)))
    return _said(number, choice), _figures(number)


def _year(choice: Random) -> Pair:
    number = choice.randrange(1500, 2050) if choice.random() < 0.5 else choice.randrange(1940, 2030)
    if choice.random() < 0.15:
        number -= number % 10
        return plural(year(number)) if number % 100 else f"{year(number)}s", f"{number}s"
    return _said_year(number, choice), str(number)


def _said_year(number: int, choice: Random) -> str:
    return year(number) if number < 2000 or choice.random() < 0.5 else _said(number, choice)


def _date(choice: Random) -> Pair:
    month, day, number = choice.choice(MONTHS), choice.randrange(1, 32), choice.randrange(1700, 2050)
    spoken_year = _said_year(number, choice)
    said_day = ordinal(day) if choice.random() < 0.8 else cardinal(day)
    spoken_month = month.lower()
    if choice.random() < 0.3:
        return f"the {ordinal(day)} of {spoken_month} {spoken_year}", f"{day} {month} {number}"
    if choice.random() < 0.2:
        return f"{spoken_month} {spoken_year}", f"{month} {number}"
    if choice.random() < 0.3:
        return f"{spoken_month} {said_day}", f"{month} {day}"
    return f"{spoken_month} {said_day} {spoken_year}", f"{month} {day}, {number}"


def _time(choice: Random) -> Pair:
    hour, minute = choice.randrange(1, 13), choice.choice((0, 0, 15, 30, 45, choice.randrange(60)))
    half = choice.choice(("a", "p", "p", ""))
    minutes = f" {'oh ' if minute < 10 else ''}{cardinal(minute)}" if minute else ""
    spoken, written = f"{cardinal(hour)}{minutes}", f"{hour}:{minute:02}" if minute else str(hour)
    if half or not minute:
        half = half or "p"
        spoken, written = f"{spoken} {half} m", f"{written} {half}.m."
    if choice.random() < 0.15:
        zone = choice.choice(_ZONES)
        return f"{spoken} {' '.join(zone.lower())}", f"{written} {zone}"
    return spoken, written


def _money(choice: Random) -> Pair:
    unit, sign = choice.choice(_CURRENCIES)
    number, cents = choice.randrange(1, choice.choice((10, 100, 1000, 100_000))), choice.randrange(1, 100)
    spoken = f"{_said(number, choice)} {unit}{'s' if number != 1 else ''}"
    if choice.random() < 0.2:
        scale = choice.choice(_SCALES)
        return f"{_said(number % 1000 or 1, choice)} {scale} {unit}s", f"{sign}{number % 1000 or 1} {scale}"
    if choice.random() < 0.5:
        joint = choice.choice((" and ", " "))
        ending = f" cent{'s' if cents != 1 else ''}" if choice.random() < 0.8 else ""
        return f"{spoken}{joint if ending else ' '}{cardinal(cents)}{ending}", f"{sign}{_figures(number)}.{cents:02}"
    return spoken, f"{sign}{_figures(number)}"


def _measure(choice: Random) -> Pair:
    unit, short = choice.choice(list(_UNITS.items()))
    spoken, written = _decimal(choice) if choice.random() < 0.3 else _small(choice)
    if written[-1].isalpha():
        spoken, written = _small(choice)
    first, _, rest = unit.partition(" ") if " per " in unit or unit.startswith("degree") else (unit, "", "")
    several = first if written == "1" or first.endswith("hertz") else f"{first}s"
    return f"{spoken} {several} {rest}".strip(), f"{written}{short}" if short.startswith("°") else f"{written} {short}"


def _telephone(choice: Random) -> Pair:
    number = "".join(choice.choice("0123456789") for _ in range(10))
    spoken = _spelled_digits(number, choice)
    if choice.random() < 0.2:
        country = str(choice.randrange(1, 100))
        return f"plus {_spelled_digits(country, choice)} {spoken}", f"+{country} {_grouped(number)}"
    if choice.random() < 0.2:
        return _spelled_digits(number[:7], choice), f"{number[:3]}-{number[3:7]}"
    return spoken, _grouped(number)


def _grouped(number: str) -> str:
    return f"{number[:3]}-{number[3:6]}-{number[6:]}"


def _electronic(choice: Random) -> Pair:
    host, ending = choice.choice(_HOSTS), choice.choice(_ENDINGS)
    site, said_site = f"{host}.{ending}", f"{host} dot {' dot '.join(_said_ending(ending))}"
    if choice.random() < 0.5:
        box = choice.choice(_MAILBOXES)
        said_box = " ".join(box) if choice.random() < 0.2 else box
        if choice.random() < 0.4:
            other = choice.choice(_MAILBOXES)
            mark, said_mark = choice.choice(((".", "dot"), ("_", "underscore"), ("-", "dash")))
            box, said_box = f"{box}{mark}{other}", f"{said_box} {said_mark} {other}"
        if choice.random() < 0.3:
            number = choice.randrange(1, 100)
            box, said_box = f"{box}{number}", f"{said_box} {cardinal(number)}"
        return f"{said_box} at {said_site}", f"{box}@{site}"
    if choice.random() < 0.6:
        return f"w w w dot {said_site}", f"www.{site}"
    return said_site, site


def _said_ending(ending: str) -> list[str]:
    return [part if part in ("com", "org", "net", "edu", "gov") else " ".join(part) for part in ending.split(".")]


KINDS: dict[str, tuple[float, Callable[[Random], Pair]]] = {
    "cardinal": (2.0, _cardinal),
    "ordinal": (1.0, _ordinal),
    "decimal": (1.5, _decimal),
    "percent": (0.7, _percent),
    "year": (1.0, _year),
    "date": (2.0, _date),
    "time": (1.5, _time),
    "money": (2.0, _money),
    "measure": (2.0, _measure),
    "telephone": (1.5, _telephone),
    "electronic": (1.5, _electronic),
}
"""How often each kind is made, and how."""


def made(choice: Random) -> Pair:
    """A pair of a kind drawn at random."""
    kinds = list(KINDS.values())
    (_, make) = choice.choices(kinds, [weight for weight, _ in kinds])[0]
    return make(choice)


_DAY = re.compile(rf"((?:{'|'.join(MONTHS)}) \d\d?)(?:st|nd|rd|th)\b")
"""Days are written without endings after their months."""


def found_spans(path: Path) -> Iterator[tuple[str, str, int]]:
    """Spans of a tagger's text: said, written, how often."""
    with naming(path):
        for line in path.read_text(encoding="utf-8").splitlines():
            spoken, written, count = json.loads(line)
            yield spoken, _DAY.sub(r"\1", written), count


def proteno(path: Path) -> Iterator[Pair]:
    """Figures of aligned sentences (.jsonl.gz with "written" and "spoken" tokens)."""
    with naming(path), gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for written, spoken in zip(row["written"], row["spoken"], strict=True):
                if any(character.isdigit() for character in written) and spoken and spoken != written:
                    yield spoken.lower(), written
