"""Written English to the recogniser's text form.

The form: lower-case letters a-z, apostrophes within words, single spaces. Numbers, dates, money, times and
common abbreviations are spelled as they are said. A sentence that cannot be said with certainty has no form.
"""

import re
import unicodedata
from collections.abc import Callable

from decoder.number_words import LARGEST, cardinal, digits, ordinal, plural, year

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_LETTERS = {
    **dict(zip("øØłŁđĐðÐıħĦ", "oOlLdDdDihH", strict=True)),
    **dict(zip("ßæÆœŒþÞ", ("ss", "ae", "Ae", "oe", "Oe", "th", "Th"), strict=True)),
    "ŋ": "ng",
}
"""Letters that Unicode does not decompose."""

_CHARACTERS = str.maketrans(
    _LETTERS
    | dict.fromkeys("‘’‛ʼʻ´`′ʹ", "'")
    | dict.fromkeys("“”„«»″", '"')
    | dict.fromkeys("‐‑‒–−", "-")
    | dict.fromkeys("—―…•·", " ")
    | {"°": " degrees ", "½": " 1/2", "¼": " 1/4", "¾": " 3/4"}
)
_FOLDED = re.compile(r"[\x00-\x7f£€¢]*")
_POWERS = re.compile(r"[²³¹⁰-₟]")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_HAS_DIGIT = re.compile(r"[0-9]")
_HAS_CAPITALS = re.compile(r"[A-Z]{2}")

_INT = r"\d+(?:,\d{3})+(?!\d)|\d+"
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
}
_LARGE = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
_FRACTIONS = {
    "1/2": "a half",
    "1/3": "a third",
    "2/3": "two thirds",
    "1/4": "a quarter",
    "3/4": "three quarters",
    "9/11": "nine eleven",
    "24/7": "twenty four seven",
}
_UNITS = {
    "km": "kilometers",
    "kg": "kilograms",
    "cm": "centimeters",
    "mm": "millimeters",
    "mi": "miles",
    "ft": "feet",
    "lb": "pounds",
    "lbs": "pounds",
    "oz": "ounces",
    "mph": "miles per hour",
    "hz": "hertz",
    "khz": "kilohertz",
    "mhz": "megahertz",
    "ghz": "gigahertz",
    "kb": "kilobytes",
    "mb": "megabytes",
    "gb": "gigabytes",
}
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_ROMAN_UNITS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_ROMAN_VALUE = {
    tens + unit: 10 * len(tens) + value
    for tens in ("", "X", "XX")
    for value, unit in enumerate(_ROMAN_UNITS)
    if tens + unit
}
_ROMANS = "|".join(sorted(_ROMAN_VALUE, key=len, reverse=True))
_LONG_ROMANS = "|".join(sorted((roman for roman in _ROMAN_VALUE if len(roman) > 1), key=len, reverse=True))
_REGAL = (
    "Alexander|Alfonso|Amadeus|Andronikos|Baldwin|Benedict|Boniface|Canute|Catherine|Charles|Christian|Clement|Cleopatra"
    "|Constantine|Darius|Edward|Elizabeth|Ferdinand|Francis|Franz|Frederick|George|Gregory|Gustav|Henry|Honorius"
    "|Innocent|Isabella|Ivan|James|John|Joseph|Julius|Justinian|Karl|Leo|Leopold|Louis|Malcolm|Martin|Mary|Maximilian"
    "|Mehmed|Murad|Napoleon|Nicholas|Otto|Paul|Pedro|Peter|Philip|Pius|Ptolemy|Ramesses|Richard|Robert|Rudolf|Stephen"
    "|Theodosius|Umberto|Urban|Victor|Wilhelm|William"
)


def _number(match: re.Match[str]) -> str:
    """A number by itself: years in pairs, long runs and leading zeros digit by digit, else a cardinal."""
    whole, decimals = match["whole"], match["decimals"]
    plain = whole.replace(",", "")
    value = int(plain)
    if decimals:
        words = f"{cardinal(value)} point {digits(decimals)}" if value <= LARGEST else digits(plain)
    elif (plain[0] == "0" and len(plain) > 1) or value > LARGEST:
        words = digits(plain)
    elif plain == whole and len(plain) == 4 and 1010 <= value < 2100:
        words = year(value)
    elif plain == whole and len(plain) > 4 and not plain.endswith("00"):
        words = digits(plain)
    else:
        words = cardinal(value)
    return f" {words} "


def _amount(whole: str, decimals: str | None) -> str:
    words = cardinal(min(int(whole.replace(",", "")), LARGEST))
    return f"{words} point {digits(decimals)}" if decimals else words


def _money(match: re.Match[str]) -> str:
    one, many, minor_one, minor_many = _CURRENCIES[match["sign"]]
    whole, decimals, scale = match["whole"], match["decimals"], match["scale"]
    if scale:
        return f" {_amount(whole, decimals)} {_LARGE.get(scale.lower(), scale.lower())} {many}"
    if not decimals or len(decimals) != 2:
        return f" {_amount(whole, decimals)} {one if whole == '1' and not decimals else many}"
    minor = int(decimals)
    major_words = f"{_amount(whole, None)} {one if whole == '1' else many}"
    minor_words = f"{cardinal(minor)} {minor_one if minor == 1 else minor_many}"
    if minor == 0:
        return f" {major_words}"
    return f" {minor_words}" if int(whole.replace(",", "")) == 0 else f" {major_words} and {minor_words}"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"]
    words = cardinal(hour)
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        words += " o'clock" if 1 <= hour <= 12 else " hundred hours"
    return f" {words} {half.lower()} m " if half else f" {words} "


def _decade(match: re.Match[str]) -> str:
    century, tens = match["century"], match["tens"]
    if not century:
        return f" {plural(cardinal(int(tens)))} "
    return f" {plural(year(int(century + tens)))} "


def _year_range(match: re.Match[str]) -> str:
    first, last = match["first"], match["last"]
    return f" {year(int(first))} to {'oh ' if last[0] == '0' else ''}{cardinal(int(last))} "


def _spaced(match: re.Match[str]) -> str:
    return " " + " ".join(match[0].replace(".", "")) + " "


_DATE = re.compile(
    r"\d(?:,?\d){99}|\d[-/.:]\d+[-/.:]\d|[$£€][\d,.]+\s?[-/]|[$£€](?!\s?\d)|\d,\d{1,2}(?!\d)|(?:\d+[A-Za-z]+){2,}\d|\d[²³]"
)
"""Runs of digits whose reading is not certain; a hundred of them, of which Python makes no number, nobody reads."""

_NUMBER_RULES: tuple[_Rule, ...] = (
    (re.compile(r"\b[Nn]os?\.\s?(?=\d)"), "number "),
    (re.compile(r"\bc(?:a|irca)?\.\s?(?=\d)"), "circa "),
    (
        re.compile(
            r"(?:\b(?:US|AU|CA|NZ|HK|U\.S\.|[AC])\s?)?(?P<sign>[$£€])\s?(?P<whole>"
            + _INT
            + r")(?:\.(?P<decimals>\d+))?"
            r"(?:\s?(?P<scale>hundred|thousand|million|billion|trillion|[kmb]|bn|tn)\b)?",
            re.IGNORECASE,
        ),
        _money,
    ),
    (re.compile(r"(?<=\d)\s?¢"), " cents"),
    (
        re.compile(r"(?<![\d:.])(?P<hour>[01]?\d|2[0-3])(?::(?P<minute>[0-5]\d))?\s?(?P<half>[AaPp])\.?\s?[Mm]\b\.?"),
        _time,
    ),
    (
        re.compile(r"(?<![\d:.])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?![\d:])(?:\s+o'clock\b)?(?P<half>(?!))?"),
        _time,
    ),
    (re.compile(r"(?<![\w$£€])(?P<century>1[1-9]|20)(?P<tens>\d0)'?s\b"), _decade),
    (re.compile(r"(?<![\w$£€.,-])'?(?P<century>(?!))?(?P<tens>[2-9]0)'?s\b"), _decade),
    (
        re.compile(
            r"\b([Tt]he )?(?<![\d.,:$£€-])(?P<day>[12]?\d|3[01])(?:st|nd|rd|th)?\s+(?P<month>" + _MONTHS + r")\b"
        ),
        lambda match: f"the {ordinal(int(match['day']))} of {match['month']} ",
    ),
    (
        re.compile(r"(?<![\w.])(?P<whole>" + _INT + r")(?:st|nd|rd|th)\b", re.IGNORECASE),
        lambda match: f" {ordinal(min(int(match['whole'].replace(',', '')), LARGEST))} ",
    ),
    (
        re.compile(
            r"\b(" + _MONTHS + r")\s+(?P<day>[12]?\d|3[01])\b(?![\d:.,%-]*\d)(?!\s*(?:%|percent|million|billion))"
        ),
        lambda match: f"{match[1]} {ordinal(int(match['day']))} ",
    ),
    (re.compile(r"(?<=\d)\s?%"), " percent "),
    (re.compile(r"\bdegrees\s+C\b"), "degrees celsius"),
    (re.compile(r"\bdegrees\s+F\b"), "degrees fahrenheit"),
    (
        re.compile(r"(?<=\d)[\s-]?(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")\b(?!\d)", re.IGNORECASE),
        lambda match: f" {_UNITS[match[1].lower()]} ",
    ),
    (re.compile(r"(?<=\d)\s+(?=1/[24]\b|3/4\b|[12]/3\b)"), " and "),
    (
        re.compile(r"(?<![\d/])(?:" + "|".join(_FRACTIONS) + r")(?![\d/])"),
        lambda match: f" {_FRACTIONS[match[0]]} ",
    ),
    (re.compile(r"(?<![\d.,-])(?P<first>1[0-9]\d\d|20\d\d)-(?P<last>\d\d)(?![\d.,-]*\d)"), _year_range),
    (re.compile(r"(?<=\d)\s?-\s?(?=\d)"), " to "),
    (re.compile(r"(?<![\w)])-(?=\d)"), " minus "),
    (re.compile(r"\+\s?(?=\d)"), " plus "),
    (re.compile(r"#\s?(?=\d)"), " number "),
    (re.compile(r"\b[A-Z]{1,3}(?=-?\d)"), _spaced),
    (re.compile(r"(?<![\d,])\.(?P<decimals>\d+)"), lambda match: f" point {digits(match['decimals'])} "),
    (re.compile(r"(?P<whole>" + _INT + r")(?:\.(?P<decimals>\d+))?"), _number),
)
_PHONE = re.compile(r"(?<![\d-])(?:\+?1[- ])?\d{3}-(?:\d{3}-)?\d{4}(?![\d-])")

_BEFORE_NAME = {
    "Mr": "mister",
    "Mrs": "missus",
    "Dr": "doctor",
    "St": "saint",
    "Prof": "professor",
    "Gen": "general",
    "Col": "colonel",
    "Lt": "lieutenant",
    "Capt": "captain",
    "Sgt": "sergeant",
    "Maj": "major",
    "Rev": "reverend",
    "Gov": "governor",
    "Sen": "senator",
    "Rep": "representative",
    "Hon": "honorable",
    "Mt": "mount",
    "Ft": "fort",
}
_ANYWHERE = {
    "jr": "junior",
    "sr": "senior",
    "co": "company",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "bros": "brothers",
    "ave": "avenue",
    "blvd": "boulevard",
    "st": "street",
    "dept": "department",
    "approx": "approximately",
    "vol": "volume",
}
_WORDS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "vs": "versus",
    "etc": "et cetera",
    "ok": "okay",
    "phd": "p h d",
    "pm": "p m",
    "jr": "junior",
}
"""Forms that are written without a full stop too; no value holds another key."""

_SAID_AS_LETTERS = (
    "ABC|ADHD|AFC|AFL|AI|API|ATM|CEO|CIA|DNA|EMI|EPA|ESPN|EU|FAQ|FBI|GOP|HDMI|HIV|IBM|ID|IOC|IPA|IQ|IRA|IRS|IT|MIT|NBA"
    "|OECD|RNA|UAE|UCLA|UFO|UK|UN|US|USA|USAF|USB|USSR|VGA"
)
_WRITTEN_RULES: tuple[_Rule, ...] = (
    (
        re.compile(r"\b(" + "|".join(_BEFORE_NAME) + r")\.(?=\s*[A-Z])"),
        lambda match: _BEFORE_NAME[match[1]],
    ),
    (
        re.compile(r"\b(" + "|".join(_ANYWHERE) + r")\.", re.IGNORECASE),
        lambda match: f"{_ANYWHERE[match[1].lower()]} ",
    ),
    (re.compile(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?"), _spaced),
)
_CHAPTER = re.compile(  # not "the part I like"
    r"(?<!\w)(?![a-z]+ I [a-z])(?P<what>(?i:chapter|volume|book|part|act|scene)) (?P<number>" + _ROMANS + r")\b(?!')"
)
_CAPITAL_RULES: tuple[_Rule, ...] = (
    (
        re.compile(r"\b(" + _REGAL + r") (" + _LONG_ROMANS + r")\b"),
        lambda match: f"{match[1]} the {ordinal(_ROMAN_VALUE[match[2]])} ",
    ),
    (
        re.compile(r"\b(" + _LONG_ROMANS + r")\b"),
        lambda match: f"{cardinal(_ROMAN_VALUE[match[1]])} ",
    ),
    (re.compile(r"\b(?:[B-DF-HJ-NP-TV-XZ]{2,5}|" + _SAID_AS_LETTERS + r")(?=s?\b)"), _spaced),
    (re.compile(r"(?<= [A-Z])\s+'?s\b"), "'s"),
    (re.compile(r"\bAT&T\b"), "A T and T"),
)

_PUNCTUATION = str.maketrans({**dict.fromkeys(',.?!;:"()[]{}-/\n\t\r', " "), "&": " and ", "`": "'"})
_LOOSE_APOSTROPHE = re.compile(r"'(?![a-z])|(?<![a-z])'")
_LATE_POSSESSIVE = re.compile(r"(?<=[a-z]) +'+s\b(?!')")
_FORM = re.compile(r"[a-z' ]+")


def _fold(text: str) -> str | None:
    """ASCII letters for accented ones, plain quotes and hyphens; None where a character has no such form."""
    if _POWERS.search(text):
        return None
    decomposed = unicodedata.normalize("NFKD", text.translate(_CHARACTERS))
    folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    return folded if _FOLDED.fullmatch(folded) else None


def _unbracket(text: str) -> str:
    """Leave bracketed asides out, unless the whole sentence is one."""
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")") and inner.count("(") == 1:
        return inner[1:-1]
    return _BRACKETS.sub(" ", text)


def _apply(rules: tuple[_Rule, ...], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def normalize(text: str) -> str | None:
    """The recogniser's form of one written sentence; None where it is empty or of uncertain reading."""
    folded = text if text.isascii() else _fold(text)
    if folded is None:
        return None
    if "(" in folded or "[" in folded or "{" in folded:
        folded = _unbracket(folded)
    if _HAS_DIGIT.search(folded):
        folded = _PHONE.sub(lambda match: f" {digits(match[0])} ", folded)
        if _DATE.search(folded):
            return None
        folded = _apply(_NUMBER_RULES, folded)
    if "." in folded:
        folded = _apply(_WRITTEN_RULES, folded)
    folded = _CHAPTER.sub(lambda match: f"{match['what']} {cardinal(_ROMAN_VALUE[match['number']])}", folded)
    if _HAS_CAPITALS.search(folded) and not folded.isupper():
        folded = _apply(_CAPITAL_RULES, folded)
    lowered = folded.lower().translate(_PUNCTUATION)
    if "'" in lowered:
        lowered = _LATE_POSSESSIVE.sub("'s", lowered)
        lowered = _LOOSE_APOSTROPHE.sub("", lowered)
    if not _FORM.fullmatch(lowered):
        return None
    return " ".join([_WORDS.get(word, word) for word in lowered.split()]) or None
