"""A pronunciation lexicon as a prefix tree in arrays."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from decoder.types import Indices

ROOT = 0
"""The node of the empty prefix."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Words and the prefix tree of their pronunciations.

    Nodes are numbered breadth first: the children of node n are child_offset[n] .. child_offset[n + 1] - 1.

    words: distinct words; a word's place is its number.
    child_offset: (nodes + 1,).
    parent, label: (nodes,); label is the label index that leads into the node, -1 at the root.
    word_offset: (nodes + 1,); word_ids[word_offset[n] : word_offset[n + 1]] are the words that end at node n.
    level_offset: (depth + 2,); nodes level_offset[d] .. level_offset[d + 1] - 1 have depth d.
    """

    words: tuple[str, ...]
    child_offset: Indices
    parent: Indices
    label: Indices
    word_offset: Indices
    word_ids: Indices
    level_offset: Indices

    @property
    def nodes(self) -> int:
        """How many nodes the tree has, its root included."""
        return len(self.label)

    @classmethod
    def build(cls, entries: Iterable[tuple[str, Sequence[int]]]) -> "Lexicon":
        """The lexicon of (word, pronunciation) pairs, a pronunciation being label indices; a word may recur.

        Raises ValueError for an empty word, an empty pronunciation, a negative label or no entry at all.
        """
        words: list[str] = []
        pronunciations: list[Sequence[int]] = []
        for word, pronunciation in entries:
            if not word or not len(pronunciation) or min(pronunciation) < 0:
                raise ValueError(f"lexicon entry {word!r}: {list(pronunciation)} is not a pronunciation")
            words.append(word)
            pronunciations.append(pronunciation)
        lengths = np.array([len(p) for p in pronunciations], np.intp)
        labels = np.array([label for p in pronunciations for label in p], np.intp)
        return _build(words, labels, lengths)

    @classmethod
    def read(cls, path: str | Path, labels: Sequence[str]) -> "Lexicon":
        """The lexicon in a text file, gzipped where its name ends in .gz: word, tab, labels between spaces.

        Raises OSError for a file that cannot be read, ValueError for a bad line or a label that is not in
        labels, naming the entry.
        """
        words, pronunciations = [], []
        for number, line in enumerate(_lines(Path(path)), 1):
            word, _, spelled = line.partition("\t")
            pronunciation = spelled.split()
            if not word or not pronunciation:
                raise ValueError(f"{path}, line {number}: expected a word, a tab, labels: {line[:60]!r}")
            words.append(word)
            pronunciations.append(pronunciation)
        index = {label: i for i, label in enumerate(labels)}
        try:
            flat = [index[label] for pronunciation in pronunciations for label in pronunciation]
        except KeyError as error:
            entry = next(i for i, p in enumerate(pronunciations) if error.args[0] in p)
            raise ValueError(
                f"{path}, line {entry + 1}: the entry of {words[entry]!r} has the label {error.args[0]!r}, "
                "which the model does not have"
            ) from None
        lengths = np.fromiter(map(len, pronunciations), np.intp, len(pronunciations))
        try:
            return _build(words, np.array(flat, np.intp), lengths)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def lookahead(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(nodes,): the best of the words' scores (words,) at or below each node."""
        best = np.full(self.nodes, -np.inf)
        ends = np.repeat(np.arange(self.nodes), np.diff(self.word_offset))
        np.maximum.at(best, ends, scores[self.word_ids])
        for depth in range(len(self.level_offset) - 2, 0, -1):
            level = slice(self.level_offset[depth], self.level_offset[depth + 1])
            np.maximum.at(best, self.parent[level], best[level])
        return best


def _lines(path: Path) -> list[str]:
    """The lines of a UTF-8 text file, plain or gzipped."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such lexicon")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data.decode().splitlines()
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a UTF-8 text, or a broken gzip file: {error}") from error


def _build(words: list[str], labels: Indices, lengths: Indices) -> Lexicon:
    """The tree of entries: their words, their labels one after another, and how many labels each has."""
    if not words:
        raise ValueError("the lexicon is empty")
    distinct = {word: i for i, word in enumerate(dict.fromkeys(words))}
    numbers = np.fromiter((distinct[word] for word in words), np.intp, len(words))
    table = _padded(labels, lengths)
    order = np.lexsort(table.T[::-1])
    table, lengths, numbers = table[order], lengths[order], numbers[order]

    shared = _shared_prefix(table)
    at = np.zeros(len(table), np.intp)  # the node of each entry's prefix at the current depth
    parents, node_labels, level_offset = [np.array([-1])], [np.array([-1])], [0, 1]
    ends = np.zeros(len(table), np.intp)
    for depth in range(table.shape[1]):
        inside = lengths > depth
        opens = inside & (shared <= depth)
        parents.append(at[opens])
        node_labels.append(table[opens, depth])
        at = np.where(inside, level_offset[-1] + np.cumsum(opens) - 1, at)
        ends[inside] = at[inside]
        level_offset.append(level_offset[-1] + int(opens.sum()))

    parent = np.concatenate(parents).astype(np.intp)
    nodes = len(parent)
    pairs = np.unique(ends * len(distinct) + numbers)  # an entry given twice counts once
    return Lexicon(
        words=tuple(distinct),
        child_offset=1 + np.searchsorted(parent[1:], np.arange(nodes + 1)),
        parent=parent,
        label=np.concatenate(node_labels).astype(np.intp),
        word_offset=np.searchsorted(pairs // len(distinct), np.arange(nodes + 1)),
        word_ids=pairs % len(distinct),
        level_offset=np.array(level_offset, np.intp),
    )


def _padded(labels: Indices, lengths: Indices) -> Indices:
    """Entries as rows (entries, longest), -1 after their end."""
    table = np.full((len(lengths), int(lengths.max())), -1, np.intp)
    table[np.arange(table.shape[1]) < lengths[:, None]] = labels
    return table


def _shared_prefix(table: Indices) -> Indices:
    """How many leading labels each row of a sorted table has in common with the row above it."""
    same = np.zeros(table.shape, np.bool_)
    same[1:] = table[1:] == table[:-1]
    shared: Indices = np.logical_and.accumulate(same, axis=1).sum(axis=1)
    return shared
