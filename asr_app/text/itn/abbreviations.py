"""Words that are written short or by a convention of their own: titles before names, et cetera, R&D, 24/7."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import at
from asr_app.text.itn.style import Style

_COURTESY = {"mister": "mr.", "missus": "mrs.", "misses": "mrs."}
_BEFORE_NAMES = {"doctor": "dr.", "saint": "st."}
"""Also words by themselves, so what follows must look like a name."""
_DETERMINERS = "a this my your his her our no any every another good dear old young poor"
_NOT_A_DOCTOR = f"{_DETERMINERS} an the their its little great best new local medical family eye certain white"
_NOT_A_SAINT = f"{_DETERMINERS} patron de du paris"
_NOT_AFTER = {"doctor": frozenset(_NOT_A_DOCTOR.split()), "saint": frozenset(_NOT_A_SAINT.split())}
"""Words that make those behind them words by themselves: the doctor, a saint."""
_NO_NAMES = (
    "a about above actually after again against all almost also always am an and any anyway appointment are around as "
    "ask asked at away back be because been before being below bills but by called came can come comes could did do "
    "does doesn't don't down during even ever every examined felt first for from gave get gets go goes going got had "
    "has have he her here himself his how i i'm if in instead into is isn't it its just kept knew know knows last "
    "later left let like looked made make makes may me might more must my near never next no nor not now of off "
    "office often ok okay on once one only or our out over please prescribed put quite recently recommended right "
    "said saw say says see sees shall she shook should since so some sometimes soon still stood suggested take tells "
    "than thanks that that's the their them then there they think thinks this though thought to today told tomorrow "
    "tonight too took tried turned under until up us very visit visits wanted wants was wasn't we well went were what "
    "when where whether which while who whom whose why will with without won't would yes yesterday yet you your"
)
_COMMON = frozenset(_NO_NAMES.split())
_BEHIND_COMPANIES = " and is was has had will of for or which whose where who said says announced"
_OF_COMPANIES = frozenset(_BEHIND_COMPANIES.split(" "))
"""What may follow "incorporated" as a part of a name; the end, too."""
_OF_VERBS = (
    "he she it they we i you it's they're be is are was were been being became and also not that which who has had "
    "have then later already first much all company city town village the an uh"
)
_INCORPORATED_SO = frozenset(_OF_VERBS.split())
_SAID = {
    "et cetera": "etc.",
    "et al": "et al.",
    "e g": "e.g.",
    "i e": "i.e.",
    "o k": "OK",
    "p h d": "PhD",
    "p h d's": "PhDs",
    "a one c": "A1C",
    "c section": "C-section",
    "c sections": "C-sections",
    "covid nineteen": "COVID-19",
    "four oh one k": "401k",
    "u t f eight": "UTF-8",
    "x ray": "X-ray",
    "x rays": "X-rays",
    "t shirt": "T-shirt",
    "t shirts": "T-shirts",
    "u turn": "U-turn",
    "e mail": "e-mail",
    "e mails": "e-mails",
    "a t and t": "AT&T",
    "b and b": "B&B",
    "p and l": "P&L",
    "q and a": "Q&A",
    "r and b": "R&B",
    "r and d": "R&D",
    "s and p": "S&P",
    "h two o": "H2O",
    "ten eighty p": "1080p",
    "seven twenty p": "720p",
    "fifty fifty": "fifty-fifty",
    "twenty four seven": "24/7",
    "twenty twenty hindsight": "20/20 hindsight",
    "twenty twenty vision": "20/20 vision",
}
_FIRST = frozenset(phrase.split()[0] for phrase in _SAID)
_LONGEST = max(len(phrase.split()) for phrase in _SAID)


def find_abbreviation(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """Mister jones, doctor smith, saint louis; et cetera, r and d."""
    word, before, after = words[place], at(words, place - 1), at(words, place + 1)
    if word in _COURTESY and after and before not in ("the", "a", "my"):
        return (place + 1, style.name(_COURTESY[word])) if word != "misses" or style.colloquial else None
    is_addressed = place == 1 and before == "dear"  # "dear doctor patel", not "my dear doctor cried paul"
    if word in _BEFORE_NAMES and after and after not in _COMMON and (is_addressed or before not in _NOT_AFTER[word]):
        return place + 1, style.name(_BEFORE_NAMES[word])
    if word == "incorporated" and after in _OF_COMPANIES and before and not _is_incorporated(before):
        return place + 1, style.name("inc.")
    if word == "versus" and style.colloquial:
        return place + 1, "vs."
    return _phrase(words, place, style) if word in _FIRST else None


def _is_incorporated(before: str) -> bool:
    return before in _INCORPORATED_SO or before.endswith("ly")


def _phrase(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    for end in range(min(len(words), place + _LONGEST), place, -1):
        text = _SAID.get(" ".join(words[place:end]))
        if text:
            return end, text if style.capitals else text.lower()
    return None
