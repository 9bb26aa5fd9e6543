"""A user's own texts, plain or Markdown, as sentences in the recogniser's form."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from decoder.normalize import normalize

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_CODE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^)\n]*\)")
_ADDRESS = re.compile(r"<?(?:https?://|www\.)\S+|(?<![^\s>])@*[^\s@]+@\S+\.\w+|</?[A-Za-z!][^<>\n]*>")
_LINE_START = re.compile(r"^[ \t]*(?:[-*+•]|#{1,6}|>|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE)
_MARKUP = re.compile(r"[*_`~|\\]+|#(?!\d)|^=+$", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(
    r"""(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bProf)(?<!\b[A-Z])(?:[.!?]["'”’)\]]*)\s+(?=["'“‘(\[]?[A-Z0-9])"""
)
"""The end of one sentence before the start of another; a full stop after a title or an initial ends none."""


def read_sentences(path: Path) -> Iterator[str | None]:
    """The sentences of a text file in the recogniser's form; None for one whose reading is not certain.

    A line with a Markdown sign, and what an empty line parts, are sentences of their own; other line breaks are
    spaces. Code, addresses and tags are left out. UTF-8, UTF-16 with its mark, and Windows-1252 are read.
    Raises OSError for a file that cannot be read, ValueError for one that is no text.
    """
    for sentence in split_sentences(decoded(path)):
        if any(map(str.isalnum, sentence)):
            yield normalize(sentence)


def split_sentences(text: str) -> Iterator[str]:
    """The sentences of plain or Markdown text, without its markup."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for pattern, put in ((_FRONT_MATTER, ""), (_CODE, "\n"), (_LINK, r"\1"), (_ADDRESS, " "), (_LINE_START, "\n\n")):
        text = pattern.sub(put, text)
    for paragraph in _PARAGRAPH.split(_MARKUP.sub(" ", text)):
        yield from filter(None, map(str.strip, _SENTENCE.split(" ".join(paragraph.split()))))


def decoded(path: Path) -> str:
    """The text of a file, by its byte order mark or by what its bytes can be."""
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
        if b"\0" in content:
            raise ValueError(f"{path}: not plain text; save it as .txt or .md first")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"{path}: neither UTF-8, UTF-16 nor Windows-1252: save it as UTF-8 first")
