"""The tree of word histories of one stream, as arrays."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from decoder.types import Indices, Scores
from decoder.word_scores import Memo

COMMITTED = 0
"""The history that all live hypotheses share: what was committed."""


class HistoryTable:
    """Histories, each its parent and one more word; a parent's number is below its children's.

    parent, word, state, depth: int (n,); state numbers a language-model state, depth counts words.
    lm: float (n,), the weighted language-model score of all words.
    start, end: int (n,), the frames of the last word's first and after its last label.
    confidence: float (n,), of the last word; -1 until it is measured.
    """

    def __init__(self, words: int) -> None:
        """A tree of the root alone, over a vocabulary of so many words."""
        self._words = words
        self.size = 1
        self.parent, self.word, self.state, self.depth, self.start, self.end = np.zeros((6, 256), np.intp)
        self.lm, self.confidence = np.zeros((2, 256))
        self.word[COMMITTED] = -1
        self._children = Memo(self._number)

    def _number(self, _key: int) -> int:
        self.size += 1
        return self.size - 1

    def extend(self, parents: Indices, words: Indices, lm: Scores, states: Indices) -> Indices:
        """The histories (n,) of parents (n,) and one more word each; made where they are not there yet."""
        before = self.size
        self._reserve(before + len(parents))
        ids = self._children.numbers(parents * self._words + words)
        new = np.flatnonzero(ids >= before)
        made, above = ids[new], parents[new]
        self.parent[made] = above
        self.depth[made] = self.depth[above] + 1
        self.word[made], self.lm[made], self.state[made] = words[new], lm[new], states[new]
        self.confidence[made] = -1.0
        return ids

    def path(self, history: int) -> Iterator[int]:
        """The histories from below the root down to this one."""
        steps = []
        while history != COMMITTED:
            steps.append(history)
            history = int(self.parent[history])
        return reversed(steps)

    def lift(self, histories: Indices, depth: int) -> Indices:
        """The ancestors at a depth of histories (n,), themselves where they are not deeper."""
        lifted = histories.copy()
        while (deeper := self.depth[lifted] > depth).any():
            lifted[deeper] = self.parent[lifted[deeper]]
        return lifted

    def shared(self, histories: Indices) -> int:
        """The deepest history that is an ancestor of, or is, each of histories (n,)."""
        lifted = np.unique(self.lift(histories, int(self.depth[histories].min())))
        while len(lifted) > 1:
            lifted = np.unique(self.parent[lifted])
        return int(lifted[0])

    def compact(self, live: Indices, root: int) -> Indices:
        """Keep what is from root to the live histories (n,); the new numbers of these."""
        keep = np.zeros(self.size, np.bool_)
        keep[root] = True
        front = np.unique(live)
        while len(front := front[~keep[front]]):
            keep[front] = True
            front = np.unique(self.parent[front])
        kept = np.flatnonzero(keep)
        numbers = np.cumsum(keep) - 1
        self.size = len(kept)
        for column in (self.word, self.state, self.depth, self.start, self.end, self.lm, self.confidence):
            column[: self.size] = column[kept]
        self.parent[1 : self.size] = numbers[self.parent[kept[1:]]]
        self.parent[COMMITTED] = COMMITTED
        self.word[COMMITTED] = -1
        self._children.clear()
        keys = self.parent[1 : self.size] * self._words + self.word[1 : self.size]
        self._children.update(zip(keys.tolist(), range(1, self.size), strict=True))
        return numbers[live]

    def agreeing(self, histories: Indices, history: int) -> npt.NDArray[np.bool_]:
        """(n,): which of histories (n,) have, in the middle of this one's last word, the same word."""
        middle = (self.start[history] + self.end[history]) / 2
        spoken = histories.copy()
        while (later := (self.start[spoken] > middle) & (spoken != COMMITTED)).any():
            spoken[later] = self.parent[spoken[later]]
        same: npt.NDArray[np.bool_] = (self.word[spoken] == self.word[history]) & (self.end[spoken] >= middle)
        return same

    def _reserve(self, size: int) -> None:
        """Make room for so many histories."""
        if size <= len(self.parent):
            return
        for name in ("parent", "word", "state", "depth", "start", "end", "lm", "confidence"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros(size, column.dtype)]))
