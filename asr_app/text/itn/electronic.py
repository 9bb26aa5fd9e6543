"""Addresses of e-mail and of the web."""

from collections.abc import Sequence

from asr_app.text.itn.numbers import DIGITS, SMALL, TENS, at, below_hundred
from asr_app.text.itn.style import Style

_COUNTRIES = "uk us ca de fr es it nl eu au nz in jp cn br ru ch at be se no dk fi pl cz ie pt gr tv me"
_OTHERS = "com org net edu gov mil int info biz io ai co app dev cloud tech online store blog xyz"
_FILES = "html htm php pdf txt csv zip exe json md docx xlsx pptx jpg jpeg png gif py js"
_NO_HOSTS = frozenset(_FILES.split()) - {"md", "py", "zip"}
_DOMAINS = frozenset(f"{_COUNTRIES} {_OTHERS} {_FILES}".split())
_JOINTS = {"dot": ".", "dash": "-", "hyphen": "-", "underscore": "_"}
_ARTICLES = frozenset({"a", "an", "the"})
_WORDS_OF_A_LABEL = 5
_PATH_JOINTS = {**_JOINTS, "slash": "/", "forward slash": "/"}


def find_electronic(words: Sequence[str], place: int, style: Style) -> tuple[int, str] | None:
    """The address that begins at a place."""
    return _email(words, place) or _web(words, place)


def _email(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """Somebody at a domain: the name is a word, or letters, digits and words with dots and the like between."""
    name = _name(words, place, set(_JOINTS))
    if name is None or at(words, name[0]) != "at":
        return None
    domain = _domain(words, name[0] + 1)
    if tuple(words[name[0] + 1 : name[0] + 4]) == ("w", "w", "w"):
        return None  # "our page at w w w dot ..."
    is_file = domain is not None and domain[1].rpartition(".")[2] in _NO_HOSTS  # look at config dot json
    return (domain[0], f"{name[1]}@{domain[1]}") if domain and not is_file else None


def _web(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """[https colon slash slash] [w w w dot] a domain [slash a path]."""
    end, text = _protocol(words, place)
    for said in (("w", "w", "w", "dot"), ("www", "dot")):
        if tuple(words[end : end + len(said)]) == said:
            end, text = end + len(said), f"{text}www."
            break
    domain = _domain(words, end, known=not text)
    if domain is None or (not text and words[place] in _ARTICLES):  # the dot com bubble
        return None
    end, text = domain[0], text + domain[1]
    while at(words, end) == "slash":
        path = _name(words, end + 1, set(_JOINTS))
        if path is None:
            break
        end, text = path[0], f"{text}/{path[1]}"
    return end, text


def _protocol(words: Sequence[str], place: int) -> tuple[int, str]:
    for name in ("https", "http"):
        for letters in (tuple(name), (name,)):
            said = (*letters, "colon", "slash", "slash")
            if tuple(words[place : place + len(said)]) == said:
                return place + len(said), f"{name}://"
    return place, ""


def _domain(words: Sequence[str], place: int, known: bool = True) -> tuple[int, str] | None:
    """A domain, and where it ends. known: only with a top level that exists."""
    label = _label(words, place, known)
    if label is None or at(words, label[0]) != "dot":
        return None
    end, text = label
    found: tuple[int, str] | None = None
    while at(words, end) == "dot":
        top = _top_level(words, end + 1)
        label = _label(words, end + 1, known)
        if top:
            found = top[0], f"{text}.{top[1]}"
        elif label is None or (known and at(words, label[0]) != "dot"):
            break
        elif not known:
            found = label[0], f"{text}.{label[1]}"
        end, rest = top or label or (end, "")
        text = f"{text}.{rest}"
    return found


def _label(words: Sequence[str], place: int, known: bool) -> tuple[int, str] | None:
    """A part of a domain; where an address is certain, all words up to the next dot: "w w w dot new york times dot"."""
    end, text, said = place, "", 0
    while not known and said <= _WORDS_OF_A_LABEL and at(words, end).isalnum() and words[end] not in _PATH_JOINTS:
        said += len(words[end]) > 1
        end, piece = _spelled(words, end, letters=True) or (end + 1, words[end])
        text += piece
    if text and said <= _WORDS_OF_A_LABEL and at(words, end) == "dot":
        return end, text
    return _name(words, place, {"dash", "hyphen", "underscore"})


def _top_level(words: Sequence[str], place: int) -> tuple[int, str] | None:
    """A domain's last part as a word or letter by letter."""
    word = at(words, place)
    if word in _DOMAINS and len(word) > 1:
        return place + 1, word
    for length in (4, 3, 2):
        said = words[place : place + length]
        if len(said) == length and all(len(letter) == 1 for letter in said) and "".join(said) in _DOMAINS:
            return place + length, "".join(said)
    return None


def _name(words: Sequence[str], place: int, joints: set[str]) -> tuple[int, str] | None:
    """Parts with joints between, each a word or a run of letters and digits: where they end, and the text."""
    end, text = _part(words, place)
    if not text:
        return None
    while at(words, end) in joints:
        if at(words, end) == "dot" and _top_level(words, end + 1) and at(words, end + 2) != "at":
            break
        after, part = _part(words, end + 1)
        if not part:
            break
        text, end = f"{text}{_JOINTS[words[end]]}{part}", after
    return end, text


def _part(words: Sequence[str], place: int) -> tuple[int, str]:
    """A run of letters and digits, or a word and the digits behind it; empty where neither begins here."""
    word, end, text = at(words, place), place, ""
    is_spelled = len(word) == 1 or word in DIGITS or word in TENS or word in SMALL
    if not is_spelled and word.isalnum() and word not in _PATH_JOINTS:
        end, text = place + 1, word
    while piece := _spelled(words, end, letters=is_spelled):
        end, text = piece[0], text + piece[1]
    if (
        text.isalpha()
        and word not in ("a", "i")
        and is_spelled
        and at(words, end).isalpha()
        and at(words, end + 1) == "dot"
    ):
        end, text = end + 1, text + words[end]  # g mail
    return end, text


def _spelled(words: Sequence[str], place: int, letters: bool) -> tuple[int, str] | None:
    word = at(words, place)
    if word == "zero":
        return place + 1, "0"
    if letters and len(word) == 1 and word.isalnum():
        return place + 1, word
    if word in ("double", "triple") and len(at(words, place + 1)) == 1 and letters:
        return place + 2, at(words, place + 1) * (2 if word == "double" else 3)
    read = below_hundred(words, place)
    return (read[1], str(read[0])) if read else None
