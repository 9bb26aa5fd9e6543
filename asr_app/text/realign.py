"""Tying a text that a program has rewritten to the words it came from."""

import difflib
import re
from collections.abc import Iterable

from asr_app.text.stages import Token, Tokens, text_of

_PIECE = re.compile(r"\n+|[^\s]+")


def realigned(tokens: Tokens, text: str, stage: str) -> Tokens:
    """Tokens of a text: words in common with the tokens keep theirs, what differs stands for what it replaces.

    What was inserted stands for no word; what was left out is an empty token.
    """
    groups = _groups(tokens)
    old = [text_of(group).strip(" ") for group in groups]
    new = _PIECE.findall(text)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > 500)
    made: list[Token] = []
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            made += [token for group in groups[first:last] for token in group]
            continue
        start = groups[first][0].start if first < len(groups) else (tokens[-1].end if tokens else 0)
        stop = groups[last - 1][-1].end if last > first else start
        made.append(Token(_text(new[begin:end]), start, stop, begin < end and not new[begin].isspace(), True, stage))
    return tuple(made)


def _text(pieces: Iterable[str]) -> str:
    """Words and line breaks as one text."""
    text = ""
    for piece in pieces:
        text += piece if not text or piece.isspace() or text[-1].isspace() else f" {piece}"
    return text


def _groups(tokens: Tokens) -> list[Tokens]:
    """Tokens that no space parts; a line break is a group of its own."""
    groups: list[list[Token]] = []
    for token in tokens:
        if groups and not token.space_before and not token.text.isspace() and not groups[-1][-1].text.isspace():
            groups[-1].append(token)
        else:
            groups.append([token])
    return [tuple(group) for group in groups]
