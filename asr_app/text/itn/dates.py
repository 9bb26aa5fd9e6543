"""Dates: days of months with or without their year, years by themselves, decades."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, SMALL, TENS, at, below_hundred, cardinal, ordinal, year
from asr_app.text.itn.style import Style

_MONTHS = "january february march april may june july august september october november december"
MONTHS = tuple(_MONTHS.split())
_ALSO_WORDS = frozenset({"march", "may"})
_PREPOSITIONS = "on of by until till since before after from to early late next last this in through between day"
_BEFORE_MONTH = frozenset(_PREPOSITIONS.split())
_ERAS = {("b", "c"): "bc", ("a", "d"): "ad", ("b", "c", "e"): "bce", ("c", "e"): "ce", ("bc",): "bc", ("ad",): "ad"}
_DECADES = {f"{word[:-1]}ies": value for word, value in TENS.items()}
_QUARTERS = {"first": 1, "second": 2, "third": 3, "fourth": 4}


def find_date(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """The date that begins at a place."""
    for find in (_month_first, _day_first, _quarter, _slashed, _decade, _era, _bare_year):
        found = find(words, place, style)
        if found:
            return found
    return None


def _day(words: Sequence[str], place: int) -> tuple[int, int] | None:
    read = ordinal(words, place)
    return read if read and 1 <= read[0] <= 31 else None


def _month_first(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """March [the] third [twenty twenty one], March twenty twenty one."""
    month = at(words, place)
    if month not in MONTHS:
        return None
    said_of_a_month = month not in _ALSO_WORDS or place == 0 or words[place - 1] in _BEFORE_MONTH
    month_year = year(words, place + 1)
    is_named = month not in _ALSO_WORDS or (place > 0 and said_of_a_month)
    article = at(words, place + 1) == "the" and is_named and not style.colloquial
    day = _day(words, place + 1 + article) or (None if month_year else _cardinal_day(words, place + 1))
    if day:
        day_year = year(words, day[1])
        if day_year and not _is_counted(words, day_year[1]):
            return day_year[1], f"{style.name(month)} {day[0]}{style.date_comma}{day_year[0]}"
        return (day[1], f"{style.name(month)} {day[0]}") if said_of_a_month else None
    return (month_year[1], f"{style.name(month)} {month_year[0]}") if month_year else None


def _cardinal_day(words: Sequence[str], place: int) -> tuple[int, int] | None:
    """The day of "june thirty"; not the number of "in june thirty people came"."""
    read = cardinal(words, place)
    if read is None or not 1 <= read[0] <= 31:
        return None
    return read if at(words, read[1]) == "" or year(words, read[1]) else None


def _is_counted(words: Sequence[str], place: int) -> bool:
    """Whether a number is of things: "on may first two thousand people"."""
    return at(words, place) in ("people", "men", "women", "dollars", "years", "miles", "children", "troops", "soldiers")


def _day_first(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """[The second to] the third of march [twenty twenty one]."""
    day = _day(words, place + 1) if at(words, place) == "the" else None
    if day is None:
        return None
    value, end = day
    if at(words, end) in ("to", "and", "or") and at(words, end + 1) == "the":
        last = _day_first(words, end + 1, style)
        return (last[0], f"{value} {words[end]} {last[1]}") if last else None
    if at(words, end) != "of" or at(words, end + 1) not in MONTHS:
        return None
    month, end = style.name(words[end + 1]), end + 2
    after = year(words, end)
    if after and not _is_counted(words, after[1]):
        return after[1], f"{value} {month} {after[0]}"
    return end, f"{value} {month}"


def _quarter(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """First quarter [of] twenty nineteen, q one twenty nineteen."""
    if at(words, place) in _QUARTERS and at(words, place + 1) == "quarter":
        quarter = _QUARTERS[words[place]]
    elif at(words, place) == "q" and 1 <= DIGITS.get(at(words, place + 1), 0) <= 4:
        quarter = DIGITS[words[place + 1]]
    else:
        return None
    read = year(words, place + 2 + (at(words, place + 2) == "of"))
    return (read[1], f"Q{quarter} {read[0]}") if read else None


def _slashed(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Two or three numbers with "slash" between: five slash twelve slash twenty five."""
    numbers: list[str] = []
    end = place - 1
    while len(numbers) < 3 and (end < place or at(words, end) == "slash"):
        read = year(words, end + 1) or below_hundred(words, end + 1)
        if read is None:
            break
        numbers.append(str(read[0]))
        end = read[1]
    return (end, "/".join(numbers)) if len(numbers) > 1 else None


def _decade(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Nineteen eighties, eighteen hundreds, two thousands."""
    century = SMALL.get(at(words, place), TENS.get(at(words, place), 0))
    last = at(words, place + 1)
    if 10 < century <= 20 and last in (*_DECADES, "hundreds", "tens"):
        return place + 2, f"{100 * century + {'tens': 10}.get(last, _DECADES.get(last, 0))}s"
    return (place + 2, "2000s") if (century, last) == (2, "thousands") else None


def _era(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """A year of any length before a d, b c, b c e, c e."""
    for read in (year(words, place), cardinal(words, place)):
        for letters, era in _ERAS.items():
            if read and tuple(words[read[1] : read[1] + len(letters)]) == letters:
                if at(words, read[1] + len(letters)) == "e" and letters == ("b", "c"):
                    continue
                return read[1] + len(letters), f"{read[0]} {era.upper()}"
    return None


def _bare_year(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """A year said in pairs: "nineteen eighty four"; not "twenty twenty two year olds"."""
    century = SMALL.get(at(words, place), TENS.get(at(words, place), 0))
    read = year(words, place)
    if read is None or not 10 < century <= (99 if style.colloquial else 21):
        return None
    said_in_pairs = at(words, place + 1) != "hundred"
    return (read[1], str(read[0])) if said_in_pairs and read[0] >= 1000 else None
