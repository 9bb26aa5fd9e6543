"""What a language-model file holds: form, orders, vocabulary, and how it fits the recogniser's text form."""

import mmap
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder.arpa import BEGIN, END, UNKNOWN, check_arpa, is_arpa

_KINDS = (
    "probing hash tables",
    "probing hash tables with rest costs",
    "trie",
    "quantised trie",
    "trie with compressed pointers",
    "quantised trie with compressed pointers",
)
_MAGIC = b"mmap lm http://kheafield.com/code format version 5\n"
_FIXED = struct.Struct("<B3xfIB3xI")
"""KenLM's FixedWidthParameters: order, probing multiplier, kind, whether the words are at the end, version."""
_FIXED_OFFSET = 88
"""Bytes of KenLM's Sanity, the magic bytes and test values before it."""

_FORM = re.compile(r"[a-z']+")


@dataclass(frozen=True, slots=True)
class LanguageModelInfo:
    """What a language-model file holds.

    ngrams: how many of each order.
    words: the vocabulary without <s>, </s> and <unk>; None where the file does not list it.
    """

    path: Path
    form: str
    size_bytes: int
    ngrams: tuple[int, ...]
    words: tuple[str, ...] | None
    has_unknown: bool


def inspect(path: Path) -> LanguageModelInfo:
    """What a file that decoder.lm can load holds; ValueError for a binary of another version of KenLM."""
    words: list[str] | None
    if is_arpa(path):
        form, ngrams, words = "ARPA text", check_arpa(path), _arpa_words(path)
    else:
        form, ngrams, words = _binary(path)
    plain = None if words is None else tuple(word for word in words if word not in (UNKNOWN, BEGIN, END))
    has_unknown = words is None or UNKNOWN in words
    return LanguageModelInfo(path, form, path.stat().st_size, tuple(ngrams), plain, has_unknown)


def _arpa_words(path: Path) -> list[str]:
    """The single words of an ARPA file that loads."""
    words = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("\\1-grams:"):
                break
        for line in file:
            if not line.strip():
                break
            words.append(line.split()[1])
    return words


def _binary(path: Path) -> tuple[str, list[int], list[str] | None]:
    """Form, counts and words of a KenLM binary that loads."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(_MAGIC)] != _MAGIC:
            raise ValueError(f"{path}: neither an ARPA file nor a binary of KenLM's format 5: build it again")
        order, _, kind, has_words, _ = _FIXED.unpack_from(content, _FIXED_OFFSET)
        ngrams = list(struct.unpack_from(f"<{order}Q", content, _FIXED_OFFSET + _FIXED.size))
        start = content.rfind(UNKNOWN.encode() + b"\0") if has_words else -1
        words = None if start < 0 else content[start:].rstrip(b"\0").decode("utf-8", "replace").split("\0")
    return f"KenLM binary, {_KINDS[kind]}", ngrams, words


def misfits(words: Sequence[str]) -> list[str]:
    """Lines on words that the recogniser, which knows a to z and apostrophes, never writes."""
    capitals = [word for word in words if word != word.lower()]
    foreign = [word for word in words if not _FORM.fullmatch(word.lower())]
    lines = []
    if capitals:
        lines.append(
            f"{len(capitals)} of {len(words)} words have capitals, such as {capitals[0]!r}, and are never recognised: "
            "build it from lower-case text"
        )
    if foreign:
        lines.append(
            f"{len(foreign)} of {len(words)} words have characters other than a-z and ', such as {foreign[0]!r}, "
            "and are never recognised: build it with `asr lm build`, which spells numbers out"
        )
    return lines


def describe(info: LanguageModelInfo) -> str:
    """The facts as lines of plain text."""
    vocabulary = "not listed in the file" if info.words is None else f"{len(info.words)} words"
    rows = [
        ("form", info.form),
        ("size", f"{info.size_bytes / 1e6:.1f} MB"),
        ("order", str(len(info.ngrams))),
        *((f"{order}-grams", str(count)) for order, count in enumerate(info.ngrams, 1)),
        ("vocabulary", vocabulary),
        (UNKNOWN, "yes" if info.has_unknown else "no: words it lacks have no probability of their own"),
        *(("warning", line) for line in misfits(info.words or ())),
    ]
    return "\n".join(f"{name:12} {value}" for name, value in rows)
