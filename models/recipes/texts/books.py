"""Sentences of books, one a line, for the language model: plain-text files as Project Gutenberg has them.

A book that transcripts of a dev or test set were read from is left out whole, and so is what is not English. What
stands in several books, as in several editions of one, is taken once.
"""

import argparse
import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from decoder.lm_text import Exclusion
from decoder.notes import decoded, split_sentences
from models.recipes.commands import command
from models.recipes.file_errors import naming

_START = re.compile(r"^\*\*\* ?START OF .*$|^\*END\*?THE SMALL PRINT.*$", re.MULTILINE)
_END = re.compile(r"^(?:\*\*\* ?END OF|End of (?:the |this )?Project Gutenberg).*", re.MULTILINE | re.IGNORECASE)
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)*")
_SENTENCE = re.compile(r"[\"'“‘(]{0,2}[A-Z].*[a-z]{2}.*", re.DOTALL)
_FEWEST, _MOST = 3, 80
"""Words of a sentence: shorter and longer ones are mostly headings, tables and what could not be parted."""
_ENGLISH = frozenset(("the", "and", "of", "to", "in", "that"))
_ENGLISH_SHARE = 0.1
_SHARED_WORDS = 8
"""As many words in a row are hardly the same by chance ..."""
_CHANCE = 2
"""... but verses are quoted in many books: a book may share so many runs of them."""


def body(text: str) -> str:
    """A book without what Project Gutenberg puts before and after it."""
    begins = [found.end() for found in _START.finditer(text)]
    text = text[begins[-1] :] if begins else text
    end = _END.search(text)
    return text[: end.start()] if end else text


def words_of(text: str) -> list[str]:
    """Its words, in small letters."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def is_english(words: list[str]) -> bool:
    """Whether English's commonest words are as common as in any English book."""
    return sum(word in _ENGLISH for word in words) > _ENGLISH_SHARE * len(words)


def sentences(text: str) -> Iterator[str]:
    """Those of a likely length that begin as sentences do."""
    for sentence in split_sentences(text):
        if _SENTENCE.fullmatch(sentence) and _FEWEST <= sentence.count(" ") + 1 <= _MOST:
            yield sentence


def transcripts(files: Iterable[Path]) -> Iterator[str]:
    """Transcripts as LibriSpeech has them: a name and the words, one a line."""
    for file in files:
        with naming(file):
            for line in file.read_text(encoding="utf-8").splitlines():
                yield line.partition(" ")[2].lower()


class Library:
    """Books in a row, of which each gives what the earlier ones did not have."""

    def __init__(self, kept_out: Exclusion) -> None:
        self._kept_out = kept_out
        self._seen: set[int] = set()

    def read(self, text: str) -> list[str]:
        """The sentences of a book; none of a book that was read aloud, or is not English."""
        words = words_of(text := body(text))
        if not is_english(words) or self._kept_out.shared(words) > _CHANCE:
            return []
        new = []
        for sentence in sentences(text):
            key = hash(" ".join(words_of(sentence)))
            if key not in self._seen:
                self._seen.add(key)
                new.append(sentence)
        return new


@command
def main() -> None:
    """Command line: `python -m models.recipes.texts.books FOLDER... --exclude FILE... --output books.txt.gz`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of .txt files")
    parser.add_argument("--exclude", type=Path, nargs="+", required=True, help="transcripts, a name and words a line")
    parser.add_argument("--output", type=Path, required=True, help="a .txt.gz file")
    arguments = parser.parse_args()
    files = [file for folder in arguments.folders for file in sorted(folder.rglob("*.txt"))]
    if not files:
        raise ValueError(f"{arguments.folders[0]} has no .txt files")
    library = Library(Exclusion(transcripts(arguments.exclude), _SHARED_WORDS))
    taken = 0
    part = arguments.output.with_name(f"{arguments.output.name}.part")  # a kill leaves no half of a library
    with gzip.open(part, "wt", compresslevel=3, encoding="utf-8") as output:
        for file in files:
            if found := library.read(decoded(file)):
                taken += 1
                output.writelines(f"{sentence}\n" for sentence in found)
    part.replace(arguments.output)
    sys.stderr.write(f"{taken} of {len(files)} books\n")


if __name__ == "__main__":
    main()
