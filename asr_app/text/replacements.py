"""The user's replacements: phrases that are written as something else, kept beside the vocabulary."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from asr_app.errors import ConfigError, OutputError
from asr_app.own_files import replace_text
from asr_app.text.phrases import Phrases
from asr_app.text.stages import Token, Tokens, joined

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNESCAPES = {written: character for character, written in _ESCAPES.items()}


class Replacements:
    """The stage that puts texts in the place of phrases: the longest at each place, whole words, in any case.

    A text of words in lower case takes the capital of the phrase it replaces, or of a sentence that begins with it;
    every other text is written as it is.
    """

    name = "replacements"

    def __init__(self, texts: Mapping[str, str]) -> None:
        """texts: by phrase."""
        self._phrases: Phrases[str] = Phrases(texts)

    def apply(self, tokens: Tokens) -> Tokens:
        """See stages.Stage; what is put there is locked, but for its capitals where it takes them."""
        words = ["" if token.locked else token.text for token in tokens]
        made: list[Token] = []
        at = 0
        for match in self._phrases.find(words):
            text = match.value
            is_plain = text.islower() and text.replace(" ", "").isalpha()
            if is_plain and words[match.start][:1].isupper():
                text = text[:1].upper() + text[1:]
            token = joined(tokens, match.start, match.end, text, self.name)
            made += [*tokens[at : match.start], replace(token, locked=not is_plain)]
            at = match.end
        return (*made, *tokens[at:])


def checked(phrase: str, text: str) -> tuple[str, str]:
    """A phrase in single spaces and lower case, and its text; ConfigError for a phrase without words."""
    said = " ".join(phrase.lower().split())
    if not any(character.isalnum() for character in said):
        raise ConfigError(f"the phrase {phrase!r} has no words: give what you say")
    return said, text


def read_replacements(path: Path) -> dict[str, str]:
    """Texts by phrase, none where there is no such file yet: a line is a phrase, a tab and its text.

    A line break in a text is \\n, a tab \\t, a backslash two. Raises ConfigError that names the file, and a wrong line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as UTF-8 text: {error}") from error
    texts: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        phrase, tab, text = line.rstrip("\r").partition("\t")
        if not line.strip():
            continue
        if not tab:
            raise ConfigError(f"{path}, line {number}: no tab between a phrase and its text: write one")
        said, _ = checked(phrase, text)
        texts[said] = re.sub(r"\\[\\ntr]", lambda match: _UNESCAPES[match[0]], text)
    return texts


def write_replacements(path: Path, texts: Mapping[str, str]) -> None:
    """Keep the replacements instead of what was there; OutputError where that cannot be."""
    try:
        replace_text(path, "".join(f"{line}\n" for line in lines(texts)))
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): check the folder's permissions") from error


def lines(texts: Mapping[str, str]) -> Iterable[str]:
    """The lines of a file of replacements."""
    for phrase, text in texts.items():
        yield f"{phrase}\t{''.join(_ESCAPES.get(character, character) for character in text)}"
