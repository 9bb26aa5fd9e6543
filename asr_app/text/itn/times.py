"""Times of day."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, TENS, at, below_hundred, cardinal
from asr_app.text.itn.style import Style

_HALVES = {("a", "m"): "a.m.", ("p", "m"): "p.m.", ("am",): "a.m.", ("pm",): "p.m."}
_ZONES = {
    tuple(zone): zone
    for zone in ("gmt", "utc", "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt", "cet", "bst", "et", "pt", "ct")
}
_PREPOSITIONS = "at by until till before after around about past from since for to between"
_BEFORE_TIME = frozenset(_PREPOSITIONS.split())
_OF_DAY = frozenset({"it", "now", "time"})
"""What a time is said of: "it is two fifteen"; a room is none."""
_AFTER_TIME = frozenset({"today", "tomorrow", "tonight", "yesterday", "sharp"})
_OCLOCK = (("o'clock",), ("oclock",), ("o", "clock"), ("o'", "clock"))


def find_time(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """The time that begins at a place."""
    for read in (_hour_and_minutes, _military, _past, _before):
        found = read(words, place, style)
        if found:
            return found
    return None


def _hour(words: Sequence[str], place: int) -> tuple[int, int] | None:
    read = (0, place + 1) if at(words, place) == "zero" else below_hundred(words, place)
    if read and read[0] > 12 and at(words, place) in TENS and read[0] > 24:
        read = TENS[words[place]], place + 1
    return read if read and read[0] <= 24 else None


def _minutes(words: Sequence[str], place: int) -> tuple[int, int] | None:
    """Oh five, fifteen, thirty two."""
    if at(words, place) in ("oh", "o") and at(words, place + 1) in DIGITS:
        return DIGITS[words[place + 1]], place + 2
    read = below_hundred(words, place)
    return read if read and 10 <= read[0] < 60 else None


def _hour_and_minutes(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Seven [fifteen] [a m] [e s t], seven o'clock, fifteen hundred hours."""
    hour = _hour(words, place)
    if hour is None:
        return None
    value, end = hour
    oclock = _oclock(words, end)
    minutes = None if oclock else _minutes(words, end)
    said = oclock or (minutes[1] if minutes else end)
    tail_end, tail = _tail(words, said, style)
    if oclock and not tail and not style.colloquial:
        return None
    if minutes and (tail or _is_of_day(words, place, said, style)) and value <= 24:
        return tail_end, style.minutes.format(hour=value, minute=minutes[0]) + tail
    if minutes is None and (oclock or tail) and (oclock or tail.lstrip().startswith(("a.m.", "p.m."))):
        return tail_end, style.hour.format(hour=value) + tail
    return None


def _military(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Oh nine hundred hours, twenty hundred hours: the figures of the hour."""
    begin = place + (at(words, place) in ("oh", "zero"))
    hour = below_hundred(words, begin)
    if hour is None or style.colloquial or not (hour[0] < 10 if begin > place else hour[0] in (10, 20)):
        return None
    is_said = tuple(words[hour[1] : hour[1] + 2]) == ("hundred", "hours")
    return (hour[1] + 1, f"{hour[0]:02}00") if is_said else None


def _is_of_day(words: Sequence[str], place: int, end: int, style: Style) -> bool:
    """Whether "two fifteen" is a time: it may be a room, a price or two numbers."""
    before = at(words, place - 1)
    hour = below_hundred(words, place)
    if before == "by" and cardinal([at(words, place - 2)], 0):
        return False  # five twelve by five twelve
    if hour and hour[0] > 12:
        return before == "at"  # thirteen fifteen: a year or a number sooner than a time
    if style.colloquial:
        return True
    alone = place == 0 and end == len(words)
    said_of = before in ("is", "was") and at(words, place - 2) in _OF_DAY
    return alone or said_of or before in _BEFORE_TIME or at(words, end) in _AFTER_TIME


def _oclock(words: Sequence[str], place: int) -> int:
    """The end of o'clock, 0 where it is not said."""
    for said in _OCLOCK:
        if tuple(words[place : place + len(said)]) == said:
            return place + len(said)
    return place + 2 if tuple(words[place : place + 2]) == ("hundred", "hours") else 0


def _tail(words: Sequence[str], place: int, style: Style) -> tuple[int, str]:
    """The half of the day and the zone: their end, and the text with its space before; empty where neither is said."""
    text = ""
    for known in (_HALVES, _ZONES):
        for said, written in known.items():
            letters = tuple(words[place : place + len(said)])
            if letters == said or (known is _ZONES and text and letters[:1] == (written,)):
                place += len(said) if letters == said else 1
                text += " " + (written if known is _HALVES else style.letters(written))
                break
    return place, text


def _past(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Half past two, quarter past two, ten past two."""
    minutes = _spoken_minutes(words, place)
    if minutes is None or at(words, minutes[1]) not in ("past", "after"):
        return None
    hour = _hour(words, minutes[1] + 1)
    if hour is None or hour[0] > 12 or (words[minutes[1]] == "after" and not style.colloquial):
        return None
    return _colloquial(words, place, (hour[0], minutes[0]), hour[1], style)


def _before(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Quarter to two, twenty to two, ten to two p m; "ten to two" by itself is a score or a ratio as well."""
    minutes = _spoken_minutes(words, place)
    if minutes is None or at(words, place) == "half":
        return None
    end = minutes[1] + (at(words, minutes[1]) in ("min", "mins", "minute", "minutes"))
    hour = _hour(words, end + 1)
    if at(words, end) not in ("to", "till") or hour is None or not 1 <= hour[0] <= 12:
        return None
    if at(words, place) != "quarter" and not _is_clock(words, place, minutes[0], hour, style):
        return None
    return _colloquial(words, place, ((hour[0] - 2) % 12 + 1, 60 - minutes[0]), hour[1], style)


def _is_clock(words: Sequence[str], place: int, minute: int, hour: tuple[int, int], style: Style) -> bool:
    """Whether "ten to two" is a time rather than a score, a ratio or, as "eight to five p m", a range."""
    has_tail = bool(_tail(words, hour[1], style)[1])
    if style.colloquial or "minutes" in words[place : hour[1]]:
        return has_tail
    is_range = minute % 5 > 0 or at(words, place - 1) == "from"
    is_alone = cardinal(words, hour[1] - 1) == hour  # not "twenty to ten thousand"
    return not is_range and (has_tail or (minute in (20, 25) and is_alone))


def _spoken_minutes(words: Sequence[str], place: int) -> tuple[int, int] | None:
    if at(words, place) in ("half", "quarter"):
        return {"half": 30, "quarter": 15}[words[place]], place + 1
    read = below_hundred(words, place)
    return read if read and read[0] < 60 else None


def _colloquial(words: Sequence[str], place: int, time: tuple[int, int], end: int, style: Style) -> tuple[int, str]:
    """What prose leaves in words, unless the half of the day is said. time: hour and minute."""
    tail_end, tail = _tail(words, end, style)
    if not tail and not style.colloquial:
        return end, " ".join(words[place:end])
    return tail_end, style.minutes.format(hour=time[0], minute=time[1]) + tail
