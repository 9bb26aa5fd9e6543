"""A pronunciation lexicon as a prefix tree in arrays."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from decoder.types import Indices

ROOT = 0
"""The node of the empty prefix."""

LONGEST = 500
"""Labels of a pronunciation, far more than any word has: entries are rows of a table that is as wide as the longest."""


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Words and the prefix tree of their pronunciations.

    Nodes are numbered breadth first and by label: the children of node n are child_offset[n] ..
    child_offset[n + 1] - 1, their labels ascending.

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

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @classmethod
    def build(cls, entries: Iterable[tuple[str, Sequence[int]]]) -> "Lexicon":
        """The lexicon of (word, pronunciation) pairs, a pronunciation being label indices; a word may recur.

        Raises ValueError for an empty word, an empty pronunciation or one longer than LONGEST, a negative label or no
        entry at all.
        """
        return _build(*_flattened(entries))

    def extended(self, entries: Iterable[tuple[str, Sequence[int]]]) -> "Lexicon":
        """The lexicon with more entries as build takes them; words that are there keep their numbers.

        A new word comes after them, a word that is there gets one more pronunciation. Raises ValueError as
        build does. The cost is that of copying the tree, not of building it.
        """
        words, labels, lengths = _flattened(entries)
        if not words:
            raise ValueError("no entries to extend the lexicon by")
        new = [word for word in dict.fromkeys(words) if word not in self.numbers]
        numbers = self.numbers | {word: len(self.words) + i for i, word in enumerate(new)}
        ids = np.fromiter((numbers[word] for word in words), np.intp, len(words))
        return _graft(self, (*self.words, *new), ids, _padded(labels, lengths))

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


def _flattened(entries: Iterable[tuple[str, Sequence[int]]]) -> tuple[list[str], Indices, Indices]:
    """The words of entries, their labels one after another, and how many labels each has; ValueError for a bad one."""
    words: list[str] = []
    pronunciations: list[Sequence[int]] = []
    for word, pronunciation in entries:
        if not word or not len(pronunciation) or min(pronunciation) < 0:
            raise ValueError(f"lexicon entry {word!r}: {list(pronunciation)} is not a pronunciation")
        words.append(word)
        pronunciations.append(pronunciation)
    labels = np.array([label for p in pronunciations for label in p], np.intp)
    return words, labels, np.array([len(p) for p in pronunciations], np.intp)


def _build(words: list[str], labels: Indices, lengths: Indices) -> Lexicon:
    """The tree of entries: their words, their labels one after another, and how many labels each has."""
    if not words:
        raise ValueError("the lexicon is empty")
    if lengths.max() > LONGEST:
        raise ValueError(f"the pronunciation of {words[lengths.argmax()][:60]!r} is longer than {LONGEST} labels")
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
    tree = np.concatenate(parents).astype(np.intp), np.concatenate(node_labels).astype(np.intp)
    return _assemble(tuple(distinct), *tree, np.array(level_offset, np.intp), (ends, numbers))


def _assemble(
    words: tuple[str, ...], parent: Indices, label: Indices, level_offset: Indices, ends: tuple[Indices, Indices]
) -> Lexicon:
    """The lexicon of nodes that are numbered in order; ends are pairs of a node and a word that ends there."""
    pairs = np.unique(ends[0] * len(words) + ends[1])  # an entry given twice counts once
    return Lexicon(
        words=words,
        child_offset=1 + _offsets(parent[1:], len(parent)),
        parent=parent,
        label=label,
        word_offset=_offsets(pairs // len(words), len(parent)),
        word_ids=pairs % len(words),
        level_offset=level_offset,
    )


def _offsets(nodes: Indices, count: int) -> Indices:
    """(count + 1,): where the items of each node begin, and end, among items sorted by their nodes."""
    return np.concatenate([[0], np.cumsum(np.bincount(nodes, minlength=count))])


def _graft(tree: Lexicon, words: tuple[str, ...], ids: Indices, table: Indices) -> Lexicon:
    """The tree with entries more: their words' numbers (entries,) and labels (entries, longest), -1 after the end."""
    width = 1 + int(max(tree.label.max(), table.max()))
    keys = tree.parent * width + tree.label  # ascend, as nodes are numbered by parent and label
    at = np.zeros(len(table), np.intp)
    levels = np.diff(tree.level_offset)
    parents, labels, depths = [tree.parent], [tree.label], [np.repeat(np.arange(len(levels)), levels)]
    nodes = tree.nodes
    for depth in range(table.shape[1]):  # the new nodes of a level are numbered after all others, for now
        inside = np.flatnonzero(table[:, depth] >= 0)
        wanted = at[inside] * width + table[inside, depth]
        place = np.minimum(np.searchsorted(keys, wanted), tree.nodes - 1)
        lacking = keys[place] != wanted
        opened, which = np.unique(wanted[lacking], return_inverse=True)
        place[lacking] = nodes + which
        at[inside] = place
        nodes += len(opened)
        parents.append(opened // width)
        labels.append(opened % width)
        depths.append(np.full(len(opened), depth + 1))
    parent, label, depth_of = np.concatenate(parents), np.concatenate(labels), np.concatenate(depths)
    order, level_offset = _breadth_first(parent, label, depth_of)
    number = np.empty(nodes, np.intp)
    number[order] = np.arange(nodes)
    above = number[parent[order]]
    above[ROOT] = -1
    ended = np.concatenate([np.repeat(np.arange(tree.nodes), np.diff(tree.word_offset)), at])
    return _assemble(words, above, label[order], level_offset, (number[ended], np.concatenate([tree.word_ids, ids])))


def _breadth_first(parent: Indices, label: Indices, depth: Indices) -> tuple[Indices, Indices]:
    """The nodes (nodes,) by depth, place of the parent and label; and where the levels begin (depth + 2,)."""
    rank = np.zeros(len(parent), np.intp)
    by_depth = depth.argsort(kind="stable")
    offset = np.searchsorted(depth[by_depth], np.arange(int(depth.max()) + 2))
    width = 1 + int(label.max())
    for first, last in pairwise(offset[1:]):
        level = by_depth[first:last]
        level = level[(rank[parent[level]] * width + label[level]).argsort(kind="stable")]
        by_depth[first:last] = level
        rank[level] = np.arange(first, last)
    return by_depth, offset


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
