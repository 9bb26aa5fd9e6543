"""The pronunciation lexicon of a vocabulary, written as the decoder reads it."""

import gzip
import io
from pathlib import Path

from models.model_files import write_atomically
from models.recipes.data.phonemes import Pronunciation, lexicon
from models.recipes.file_errors import naming


def read_words(path: Path) -> list[str]:
    """The first field of each line of a plain or gzipped text file."""
    return [fields[0] for fields in _fields(path)]


def read_lexicon(path: Path) -> dict[str, tuple[Pronunciation, ...]]:
    """All pronunciations of each word, as write_lexicon wrote them, the one to train on first."""
    entries: dict[str, tuple[Pronunciation, ...]] = {}
    for word, *sounds in _fields(path):
        entries[word] = (*entries.get(word, ()), tuple(sounds))
    return entries


def _fields(path: Path) -> list[list[str]]:
    reader = gzip.open if path.suffix == ".gz" else open
    with naming(path), reader(path, "rt", encoding="utf-8") as lines:
        return [line.split() for line in lines if line.strip()]


def write_lexicon(words: Path, output: Path) -> tuple[int, int]:
    """Write `word<TAB>phonemes` lines, one a pronunciation; how many words have one, and how many none."""
    entries = lexicon(read_words(words))
    lines = [f"{word}\t{' '.join(said)}\n" for word, forms in entries.items() for said in forms]
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:  # mtime 0: the same words, the same bytes
        file.write("".join(lines).encode())
    write_atomically(output, packed.getvalue())
    kept = sum(1 for forms in entries.values() if forms)
    return kept, len(entries) - kept
