"""Forced alignment: when the words of a known text were said, from CTC log-probabilities."""

from collections.abc import Sequence

import numpy as np

from decoder.checks import checked_log_probs
from decoder.search import SMALLEST_LOG_PROB
from decoder.types import Indices, LogProbs, Scores

Pronunciations = Sequence[Sequence[int]]
"""The ways to say one word, each a sequence of label indices."""

_START = -1


def align_words(log_probs: LogProbs, words: Sequence[Pronunciations], blank: int) -> list[tuple[int, int]]:
    """The frames of each word's first label and after its last one, on the most probable path of log_probs (T, V).

    Viterbi over the labels of each pronunciation with optional blanks between them, and blanks between words
    that their pronunciations share. Raises ValueError where the words do not fit into the frames, and for a
    word without a pronunciation.
    """
    frames = checked_log_probs(log_probs, np.shape(log_probs)[-1]).clip(SMALLEST_LOG_PROB, 0.0)
    graph = _Graph(blank)
    for number, pronunciations in enumerate(words):
        graph.add_word(number, pronunciations)
    path = _best_path(frames[:, graph.labels], graph.predecessors(), graph.ends)
    spoken = np.array(graph.words)[path]
    times = []
    for number in range(len(words)):
        inside = np.flatnonzero(spoken == number)
        times.append((int(inside[0]), int(inside[-1]) + 1))
    return times


class _Graph:
    """States that a path goes through: each has a label, is of a word or of none, and follows certain others."""

    def __init__(self, blank: int) -> None:
        self._blank = blank
        self.labels: list[int] = []
        self.words: list[int] = []
        self._before: list[list[int]] = []
        self.ends = [self._state(blank, _START, [_START])]
        self._begin = [_START]

    def add_word(self, number: int, pronunciations: Pronunciations) -> None:
        """The states of one word after those that are there, and of the blank behind it."""
        if not pronunciations or not all(pronunciations):
            raise ValueError(f"word {number + 1} has no pronunciation")
        lasts = [self._spell(number, labels) for labels in pronunciations]
        self.ends = [*lasts, self._state(self._blank, _START, lasts)]
        self._begin = []

    def predecessors(self) -> Indices:
        """(states, most): the states that each may follow, itself among them, rows filled up with itself."""
        most = max(map(len, self._before))
        return np.array([before + [state] * (most - len(before)) for state, before in enumerate(self._before)], np.intp)

    def _spell(self, number: int, labels: Sequence[int]) -> int:
        """The states of a pronunciation; its last one."""
        before = [end for end in self.ends if self.labels[end] != labels[0]] + self._begin
        state = self._state(labels[0], number, before)
        for label in labels[1:]:
            pause = self._state(self._blank, number, [state])
            state = self._state(label, number, [pause] if label == self.labels[state] else [pause, state])
        return state

    def _state(self, label: int, word: int, before: list[int]) -> int:
        state = len(self.labels)
        self.labels.append(label)
        self.words.append(word)
        self._before.append([state, *before])
        return state


def _best_path(emissions: Scores, predecessors: Indices, ends: Sequence[int]) -> Indices:
    """The states (T,) of the best path through emissions (T, states); ValueError where there is none."""
    length, states = emissions.shape
    # one state more, the start: no path is in it after the first frame
    score = np.full(states + 1, -np.inf)
    score[_START] = 0.0
    came = np.zeros((length, states), np.intp)
    rows = np.arange(states)
    for t in range(length):
        options = score[predecessors]
        choice = options.argmax(axis=1)
        came[t] = predecessors[rows, choice]
        score[:-1] = options[rows, choice] + emissions[t]
        score[_START] = -np.inf
    end = max(ends, key=lambda state: score[state])
    if not length or score[end] == -np.inf:
        raise ValueError(f"the words do not fit into {length} frames")
    path = np.empty(length, np.intp)
    for t in reversed(range(length)):
        path[t] = end
        end = int(came[t, end])
    return path
