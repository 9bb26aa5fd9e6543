"""The user's own words: a text file of one entry a line, which only the user's commands write.

A line is a word or phrase as it is written and, after tabs, what it sounds like and its weight; both may lack.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from asr_app.errors import ConfigError, OutputError
from asr_app.own_files import replace_text

_SOUND = re.compile(r"'*[a-z][a-z']*(-'*[a-z][a-z']*)*", re.ASCII | re.IGNORECASE)
"""English words that say one word of an entry, joined by hyphens."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A word or phrase that is expected.

    written: as its user writes it: Nguyen, New York; single spaces between words.
    sounds_like: how it is said, in English words, one for each word of it; None is as it is written.
    weight: bonus of each of its words as a natural logarithm, above 0; None is the default.
    text: the entry as transcripts have it, in lower-case words.
    """

    written: str
    sounds_like: str | None = None
    weight: float | None = None
    text: str = field(init=False)

    def __post_init__(self) -> None:
        from decoder.normalize import normalize

        object.__setattr__(self, "written", " ".join(self.written.split()))  # a tab or line break would part a line
        object.__setattr__(self, "text", normalize(self.written) or "")
        if not self.written:
            raise ConfigError("the entry '' is empty: write a word or phrase")
        if not self.text:
            raise ConfigError(f"the entry {self.written!r} cannot be spelled in the letters a-z: spell it in these")
        if self.weight is not None and not (math.isfinite(self.weight) and self.weight > 0):
            raise ConfigError(f"the weight {self.weight} of {self.written!r}: give a number above 0")
        if self.sounds_like is not None:
            self._check_sounds(self.sounds_like.split())

    def _check_sounds(self, sounds: list[str]) -> None:
        """Keep how the entry is said, with single spaces; ConfigError for what cannot be said."""
        object.__setattr__(self, "sounds_like", " ".join(sounds))
        if len(sounds) != len(self.text.split()):
            raise ConfigError(
                f"{self.written!r} and what it sounds like, {self.sounds_like!r}, have not as many words: "
                "join the parts of a word by hyphens, as in new-win"
            )
        for sound in sounds:
            if not _SOUND.fullmatch(sound):
                raise ConfigError(
                    f"{self.written!r} sounds like {sound!r}: write English words in the letters a-z, "
                    "joined by hyphens, as in new-win"
                )

    @property
    def line(self) -> str:
        """The entry as a line of a file."""
        weight = "" if self.weight is None else f"{self.weight:g}"
        return "\t".join((self.written, self.sounds_like or "", weight)).rstrip("\t")


def parse_hotword(text: str) -> Entry:
    """The entry of PHRASE or PHRASE=WEIGHT; ConfigError for a wrong one."""
    written, equals, weight = text.rpartition("=")
    return _entry(written, "", weight) if equals else _entry(text, "", "")


def read_entries(path: Path) -> tuple[Entry, ...]:
    """The entries of a file, empty lines left out; ConfigError that names the file, and a wrong line."""
    lines = _lines(path)
    if lines is None:
        raise ConfigError(f"{path}: there is no such file: name a text file of one word or phrase a line")
    return _entries(path, lines)


def read_vocabulary(path: Path) -> tuple[Entry, ...]:
    """The entries of the user's own words, none where there is no such file yet; ConfigError as read_entries."""
    return _entries(path, _lines(path) or ())


def write_vocabulary(path: Path, entries: Iterable[Entry]) -> None:
    """Keep entries instead of what was there; OutputError where that cannot be.

    What is read to be written again is read and written while own_files.changing is entered.
    """
    try:
        replace_text(path, "".join(f"{entry.line}\n" for entry in entries))
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): name another with ASR_VOCABULARY") from error


def merged(*groups: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries of all groups; what the last of those with the same text leaves open, the one before it says."""
    entries: dict[str, Entry] = {}
    for entry in chain.from_iterable(groups):
        known = entries.get(entry.text, entry)
        sounds_like, weight = entry.sounds_like or known.sounds_like, entry.weight or known.weight
        entries[entry.text] = replace(entry, sounds_like=sounds_like, weight=weight)
    return tuple(entries.values())


def _lines(path: Path) -> list[str] | None:
    """The lines of a text file, None where there is none; ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as UTF-8 text: {error}") from error


def _entries(path: Path, lines: Iterable[str]) -> tuple[Entry, ...]:
    entries = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                entries.append(_entry(*_columns(line)))
            except ConfigError as error:
                raise ConfigError(f"{path}, line {number}: {error}") from error
    return tuple(entries)


def _columns(line: str) -> tuple[str, str, str]:
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) > 3:
        raise ConfigError(f"{len(columns)} columns: give a word, what it sounds like and its weight, tabs between")
    written, sounds_like, weight = (*columns, "", "")[:3]
    return written, sounds_like, weight


def _entry(written: str, sounds_like: str, weight: str) -> Entry:
    try:
        number = float(weight) if weight else None
    except ValueError:
        raise ConfigError(f"the weight {weight!r} of {written!r}: give a number above 0") from None
    return Entry(written.strip(), sounds_like or None, number)
