"""Written sentences as a recogniser would say them, each word with what was written: its mark, its case, its span.

A span is an expression that is not written as it is said: figures, abbreviations, letters. In the training text it
stands as it is said, or as it is written, for marks are put on text that another step has written already.
"""

import lzma
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from decoder.normalize import normalize
from models.recipes.file_errors import naming
from models.tagger import CASES, MARKS, SPANS

NO_MARK, COMMA, STOP, QUESTION = range(len(MARKS))
LOWER, CAPITAL, UPPER = range(len(CASES))
OUTSIDE, BEGINS, GOES_ON = range(len(SPANS))

_MARK_OF = {",": COMMA, ";": COMMA, ":": COMMA, ".": STOP, "!": STOP, "?": QUESTION}
_PLAIN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*(?:-[A-Za-z]+(?:'[A-Za-z]+)*)*'?")
_UNSUITED = re.compile(r"[()\[\]{}/\\&*_=<>|#~^@+…]|\.\.|--\w*--")
_DASHES = re.compile(r"\s*(?:—|–(?!\d)|--| - )\s*")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "´": "'", "`": "'"})
_TOKEN = re.compile(r"[\"']*(?P<core>.*?)(?P<after>[,;:.!?\"']*)")
_DOTTED = (
    "mr mrs ms dr st prof gen col lt capt sgt maj rev gov sen rep hon mt ft jr sr co inc ltd corp bros ave blvd dept "
    "vs etc vol no jan feb mar apr jun jul aug sep sept oct nov dec e.g i.e a.m p.m"
)
_ABBREVIATIONS = frozenset(_DOTTED.split())
_NAMES = "january february march april may june july august september october november december"
_MONTHS = frozenset(_NAMES.split())
_LONGEST_READING = 16
_BLOCK = 50
"""Neighbouring lines that stay together; of 50 blocks one is held back for dev, one for test."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One word as it is said or, where another step wrote it, as it is written; indices of MARKS, CASES, SPANS."""

    word: str
    mark: int = NO_MARK
    case: int = LOWER
    span: int = OUTSIDE


@dataclass(frozen=True, slots=True)
class Span:
    """An expression: how it is said, how it is written, and the mark after it."""

    spoken: str
    written: str
    mark: int


Part = Labelled | Span


@dataclass(frozen=True, slots=True)
class _Token:
    """A written word without the marks around it; plain ones are said as they are written."""

    core: str
    mark: int
    plain: bool


def parts_of(line: str) -> list[Part] | None:
    """A sentence's words and spans in order; None where its reading is uncertain."""
    line = _DASHES.sub(", ", line.translate(_QUOTES).strip())
    if not line.isascii() or _UNSUITED.search(line):
        return None
    pieces = line.split()
    tokens = [_token(piece, place == len(pieces) - 1) for place, piece in enumerate(pieces)]
    tokens = [token for token in tokens if token.core]
    if all(token.plain for token in tokens):
        return [part for token in tokens for part in _words(token)]
    spoken = (normalize(line) or "").split()
    return _aligned(tokens, spoken) if spoken else None


def _token(piece: str, last: bool) -> _Token:
    match = _TOKEN.fullmatch(piece)
    assert match is not None
    core, after = match["core"], match["after"]
    marks = [_MARK_OF[character] for character in after if character in _MARK_OF]
    dotted = after.startswith(".") and (core.lower() in _ABBREVIATIONS or "." in core or re.fullmatch("[A-Z]", core))
    if dotted:
        core += "."
        if not last:
            marks = marks[1:]
    plain = _PLAIN.fullmatch(core) is not None and not re.search("[A-Z][A-Z]|^[B-HJ-NP-Z]$", core)
    return _Token(core, marks[-1] if marks else NO_MARK, plain)


def _words(token: _Token) -> list[Labelled]:
    """A plain token's words; its mark is after the last one."""
    words = [word for word in token.core.split("-") if word]
    labelled = [Labelled(word.lower().rstrip("'"), case=CAPITAL if word[0].isupper() else LOWER) for word in words]
    return [*labelled[:-1], replace(labelled[-1], mark=token.mark)]


def _aligned(tokens: list[_Token], spoken: list[str]) -> list[Part] | None:
    """Plain tokens stand for themselves; what lies between them is a span of what was said there."""
    parts: list[Part] = []
    place = said = 0
    while place < len(tokens):
        token = tokens[place]
        words = _words(token) if token.plain else []
        if words and spoken[said : said + len(words)] == [one.word for one in words]:
            parts += words
            place, said = place + 1, said + len(words)
            continue
        end = _anchor(tokens, place + 1, spoken, said + 1)
        if end is None:
            return None
        written = " ".join(_inner(tokens[place : end[0]]))
        parts.append(_expression(" ".join(spoken[said : end[1]]), written, tokens[end[0] - 1].mark))
        place, said = end
    return _with_months(parts) if said == len(spoken) else None


def _expression(spoken: str, written: str, mark: int) -> Part:
    """What is not a plain token: a word after all, if it has but other capitals (NATO) or another spelling (OK)."""
    if " " in spoken or " " in written or any(character.isdigit() for character in written):
        return Span(spoken, _canonical(written), mark)
    if written.lower().rstrip(".") == spoken:
        return Labelled(spoken, mark, UPPER if len(spoken) > 1 and written.isupper() else CAPITAL)
    if written.endswith("."):
        return Span(spoken, written, mark)
    return Labelled(spoken, mark, CAPITAL if written[0].isupper() and written != "OK" else LOWER)


def _inner(tokens: list[_Token]) -> Iterator[str]:
    """Tokens as written, with the commas between them."""
    for token in tokens[:-1]:
        yield token.core + ("," if token.mark == COMMA else "")
    yield tokens[-1].core


def _anchor(tokens: list[_Token], place: int, spoken: list[str], said: int) -> tuple[int, int] | None:
    """Where plain tokens begin again, and the word that they begin with; the ends where none are left."""
    for end in range(place, min(place + 5, len(tokens))):
        expected = [one.word for token in tokens[end : end + 2] if token.plain for one in _words(token)]
        if not tokens[end].plain:
            continue
        for at in range(said, min(said + _LONGEST_READING, len(spoken))):
            if spoken[at : at + len(expected)] == expected:
                return end, at
    short = len(tokens) - place < 5 and len(spoken) - said < _LONGEST_READING
    return (len(tokens), len(spoken)) if short else None


def _with_months(parts: list[Part]) -> list[Part]:
    """A month beside figures belongs to them."""
    joined: list[Part] = []
    for part in parts:
        before = joined[-1] if joined else None
        if isinstance(part, Span) and isinstance(before, Labelled) and _is_month(before) and part.written[0].isdigit():
            month = before.word.capitalize()
            joined[-1] = Span(f"{before.word} {part.spoken}", f"{month} {part.written}", part.mark)
        elif isinstance(part, Labelled) and isinstance(before, Span) and _is_month(part) and _is_day(before):
            joined[-1] = Span(f"{before.spoken} {part.word}", f"{before.written} {part.word.capitalize()}", part.mark)
        elif isinstance(part, Span) and isinstance(before, Span) and not before.mark and before.written[-1].isalpha():
            joined[-1] = Span(f"{before.spoken} {part.spoken}", f"{before.written} {part.written}", part.mark)
        else:
            joined.append(part)
    return joined


def _is_month(part: Labelled) -> bool:
    return part.word in _MONTHS and part.case == CAPITAL and not part.mark


def _is_day(span: Span) -> bool:
    return not span.mark and re.fullmatch(r"[0-3]?\d", span.written) is not None


_TIME = re.compile(r"(\d)\s*([ap])\.?m\b\.?", re.IGNORECASE)


def _canonical(written: str) -> str:
    """One way of writing where texts differ: 3:30 p.m., 1500, 12,000."""
    written = _TIME.sub(r"\1 \2.m.", written)
    written = re.sub(r"\b(\d),(\d{3})\b(?!,)", r"\1\2", written)
    return re.sub(r"(?<![\d.,])\d{5,9}(?![\d.,])", lambda match: f"{int(match[0]):,}", written)


def said(parts: Iterable[Part]) -> Iterator[Labelled]:
    """Every word as it is said."""
    for part in parts:
        if isinstance(part, Labelled):
            yield part
            continue
        words, letters = part.spoken.split(), part.written.replace(".", "").isupper()
        for place, word in enumerate(words):
            mark = part.mark if place == len(words) - 1 else NO_MARK
            case = CAPITAL if letters or (place == 0 and part.written[0].isupper()) else LOWER
            yield Labelled(word, mark, case, GOES_ON if place else BEGINS)


def written(parts: Iterable[Part]) -> Iterator[Labelled]:
    """Spans as they are written, a word between two spaces; nothing of them is left to write."""
    for part in parts:
        if isinstance(part, Labelled):
            yield part
            continue
        words = part.written.split()
        for place, word in enumerate(words):
            yield Labelled(word, part.mark if place == len(words) - 1 else NO_MARK)


def edited(line: str) -> bool:
    """Whether a line has a sentence's capital at its beginning and a mark at its end: chat is often without them."""
    stripped = line.strip().rstrip("\"'”’")
    return bool(stripped) and stripped[-1] in ".?!" and line.lstrip("\"'“‘")[:1].isupper() and " i " not in line


def split_of(block: int) -> str:
    """Which split a source's block of lines belongs to."""
    return {0: "test", 25: "dev"}.get(block % 50, "train")


def sentences(path: Path, split: str, words: int, seed: int) -> Iterator[list[Part]]:
    """About so many words of one split of a file (.txt.xz, a sentence a line): blocks of lines, from all over it."""
    with naming(path), lzma.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().splitlines()
    blocks = [block for block in range((len(lines) + _BLOCK - 1) // _BLOCK) if split_of(block) == split]
    random.Random(f"{seed} {path.name}").shuffle(blocks)
    count = 0
    for block in blocks:
        for line in lines[block * _BLOCK : (block + 1) * _BLOCK]:
            parts = parts_of(line) if edited(line) else None
            if parts:
                count += sum(1 if isinstance(part, Labelled) else len(part.spoken.split()) for part in parts)
                yield parts
        if count >= words:
            return
