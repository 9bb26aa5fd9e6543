"""The hypotheses of the lexicon search as parallel arrays, and their merging."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from decoder.types import Indices, Scores


@dataclass(slots=True)
class Beam:
    """Live hypotheses, best first.

    history, node, last: int (n,); last is the label that the paths end in, the number of labels at the start.
    start: int (n,), the frame of the current word's first label.
    blank_mass, label_mass: float (n,), probabilities on a scale of their own, of paths that end in blank and
    in last.
    """

    history: Indices
    node: Indices
    last: Indices
    start: Indices
    blank_mass: Scores
    label_mass: Scores

    def take(self, rows: Indices | npt.NDArray[np.bool_]) -> "Beam":
        """The hypotheses of some rows."""
        return Beam(
            self.history[rows],
            self.node[rows],
            self.last[rows],
            self.start[rows],
            self.blank_mass[rows],
            self.label_mass[rows],
        )


@dataclass(slots=True)
class Arrivals:
    """Hypotheses of a frame that have just taken up a label; score ranks them as in the beam."""

    history: Indices
    node: Indices
    last: Indices
    start: Indices
    mass: Scores
    score: Scores

    def take(self, rows: Indices | npt.NDArray[np.bool_]) -> "Arrivals":
        """The arrivals of some rows."""
        return Arrivals(
            self.history[rows],
            self.node[rows],
            self.last[rows],
            self.start[rows],
            self.mass[rows],
            self.score[rows],
        )


def merge(beam: Beam, arrivals: Arrivals, completed: Arrivals, sizes: tuple[int, int]) -> tuple[Beam, Indices]:
    """Add up the masses of what has the same history, node and last label.

    sizes: how many nodes and how many last labels there are.
    Returns the merged hypotheses (n,), with the start of their most probable part, and (n,) which one of the
    completed that part is, negative where it is another.
    """
    history = np.concatenate([beam.history, arrivals.history, completed.history])
    node = np.concatenate([beam.node, arrivals.node, completed.node])
    last = np.concatenate([beam.last, arrivals.last, completed.last])
    start = np.concatenate([beam.start, arrivals.start, completed.start])
    label_mass = np.concatenate([beam.label_mass, arrivals.mass, completed.mass])
    blank_mass = np.zeros(len(label_mass))
    blank_mass[: len(beam.blank_mass)] = beam.blank_mass

    key = (history * sizes[0] + node) * sizes[1] + last
    order = key.argsort(kind="stable")
    key = key[order]
    opens = np.ones(len(order), np.bool_)
    np.not_equal(key[1:], key[:-1], out=opens[1:])
    first = np.flatnonzero(opens)
    group = np.cumsum(opens) - 1
    part = (blank_mass + label_mass)[order]
    top = part == np.maximum.reduceat(part, first)[group]
    chosen = np.empty(len(first), np.intp)
    chosen[group[top]] = order[top]
    merged = Beam(
        history[chosen],
        node[chosen],
        last[chosen],
        start[chosen],
        np.add.reduceat(blank_mass[order], first),
        np.add.reduceat(label_mass[order], first),
    )
    return merged, chosen - (len(history) - len(completed.history))


def expand(offset: Indices, nodes: Indices) -> tuple[Indices, Indices]:
    """Which node each item is of, and the items: offset[k] .. offset[k + 1] - 1 of each of nodes (n,)."""
    first = offset[nodes]
    counts = offset[nodes + 1] - first
    source = np.repeat(np.arange(len(nodes)), counts)
    shift = first - (np.cumsum(counts) - counts)
    return source, np.arange(len(source)) + shift[source]
