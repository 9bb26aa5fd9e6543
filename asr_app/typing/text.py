"""What of a text can be typed, and what comes between two texts."""

import unicodedata

_SPACE, _BREAK = " ", "\n"
_BREAKS = "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"
_REMOVED = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Control, format (marks of direction can disguise a text), surrogate, private and unassigned characters."""
_KEPT = {_BREAK, "\u200c", "\u200d"}
"""Joiners belong to the spelling of Persian and of emoji."""
_CLOSING, _OPENING = frozenset(".,;:!?…%)]}»”’"), frozenset("([{«“„¿¡")
_HIGH = "“"
"""The quote that opens in English, and closes in German what a low one opened."""


def typeable(text: str) -> str:
    """A text as keys can give it: composed characters, newlines for line breaks, no control characters."""
    for line_break in _BREAKS:
        text = text.replace(line_break, _BREAK)
    text = unicodedata.normalize("NFC", text.replace("\t", _SPACE))
    return "".join(one for one in text if one in _KEPT or unicodedata.category(one) not in _REMOVED)


def between(before: str, after: str) -> str:
    """The space between what was typed and what comes, or none: at the start, in a new line, before a full stop."""
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return ""
    is_closing = after[0] in _CLOSING or (after[0] == _HIGH and _is_low_open(before))
    is_opening = before[-1] in _OPENING and not (before[-1] == _HIGH and _is_low_open(before[:-1]))
    return "" if is_closing or is_opening else _SPACE


def _is_low_open(text: str) -> bool:
    """Whether a low quote of a text is not closed yet."""
    return text.rfind("„") > text.rfind(_HIGH)
