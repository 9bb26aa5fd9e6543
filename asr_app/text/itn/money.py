"""Sums of money."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import at, below_hundred, cardinal
from asr_app.text.itn.quantities import Amount, amount
from asr_app.text.itn.style import Style

_CURRENCIES = {
    "dollar": "$", "american dollar": "$", "u s dollar": "$", "us dollar": "$", "united states dollar": "$",
    "canadian dollar": "CA$", "australian dollar": "A$", "new zealand dollar": "NZ$", "hong kong dollar": "HK$",
    "singapore dollar": "S$", "pound": "£", "pound sterling": "£", "british pound": "£", "euro": "€", "yen": "¥",
    "japanese yen": "¥", "yuan": "元", "chinese yuan": "元", "rupee": "₹", "indian rupee": "₹", "won": "₩",
    "south korean won": "₩", "shekel": "₪", "ruble": "₽", "russian ruble": "₽", "bitcoin": "₿", "baht": "฿",
    "thai baht": "฿", "mexican peso": "MX$", "brazilian real": "R$", "turkish lira": "₺", "swiss franc": "CHF ",
    "swedish krona": "SEK ", "norwegian krone": "NOK ", "danish krone": "DKK ",
}  # fmt: skip
_MINOR = {"dollar": ("cent", "cents"), "euro": ("cent", "cents"), "pound": ("penny", "pence", "p")}
_LONGEST = max(len(name.split()) for name in _CURRENCIES)
_COSTS = frozenset({"cost", "costs", "costing"})


def find_money(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """The sum that begins at a place."""
    price = _price(words, place)
    if price:
        return price
    sum_ = _one_and_fifty(words, place, style) or amount(words, place, style)
    if sum_ is None or sum_.figures.startswith("-") or at(words, place) == "point":
        return None
    currency = _currency(words, sum_.end)
    if currency is None:
        return _cents(words, sum_, style)
    name, end = currency
    sign = _CURRENCIES[name] if style.capitals else _CURRENCIES[name].lower()
    end, minor = (end, "") if sum_.scale or "." in sum_.figures else _minor(words, end, name.split()[-1])
    if name == "pound" and not (style.colloquial or minor or sum_.scale):
        return None  # of weight, perhaps
    return end, f"{sign}{sum_.figures}{minor} {sum_.scale}".rstrip()


def _one_and_fifty(words: Sequence[str], place: int, style: Style) -> Amount | None:
    """One fifty dollars: a hundred is left out, as in prices."""
    read = cardinal([at(words, place), "hundred", *words[place + 1 :]], 0)
    head = cardinal(words, place)
    if not read or not head or head[1] != place + 1 or not 100 < read[0] < 1000 or read[0] % 100 < 10:
        return None
    end = place + read[1] - 1
    is_many = at(words, end) in _MINOR and at(words, place - 1) != "a"  # two twenty dollar bills
    return None if is_many else Amount(style.integer(read[0]), "", end)


def _price(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """A price without its currency: "it costs nineteen ninety nine"; not "two fifty", which may be hundreds."""
    whole = below_hundred(words, place)
    cents = below_hundred(words, whole[1]) if whole and whole[0] >= 10 else None
    if whole is None or cents is None or cents[0] < 10 or _currency(words, cents[1]):
        return None
    before, after = at(words, place - 1), at(words, cents[1])
    is_price = before in _COSTS or (after in ("each", "apiece") and before not in ("by", "from", "in", "since"))
    return (cents[1], f"{whole[0]}.{cents[0]}") if is_price else None


def _currency(words: Sequence[str], place: int) -> tuple[str, int] | None:
    """The currency's name in the singular, and its end."""
    for length in range(_LONGEST, 0, -1):
        said = " ".join(words[place : place + length])
        for name in (said, said.removesuffix("s"), said.replace("pounds ", "pound ")):
            if name in _CURRENCIES and len(words) >= place + length:
                return name, place + length
    return None


def _minor(words: Sequence[str], end: int, currency: str) -> tuple[int, str]:
    """The end and the decimals of "[and] five cents" or "fifty" behind a currency; no decimals where none are said."""
    begin = end + (at(words, end) == "and")
    read = cardinal(words, begin)
    if read is None or read[0] > 99:
        return end, ""
    value, after = read
    if at(words, after) in _MINOR.get(currency, ()):
        return after + 1, f".{value:02}"
    bare = begin == end and value >= 10 and at(words, after) in ("", "and", "for", "each", "in", "to", "but")
    return (after, f".{value:02}") if bare and currency in _MINOR else (end, "")


def _cents(words: Sequence[str], sum_: Amount, style: Style) -> tuple[int, str] | None:
    """Cents by themselves."""
    if not style.colloquial or at(words, sum_.end) not in ("cent", "cents") or not sum_.figures.isdecimal():
        return None
    value = int(sum_.figures)
    return sum_.end + 1, f"${value // 100}.{value % 100:02}"
