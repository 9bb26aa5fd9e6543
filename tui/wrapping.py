"""Where the words of a long transcript lie: wrapping to a width, and which segment is on which line."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from rich.cells import cell_len, chop_cells

Piece = tuple[int, str]
"""The index of a word in its segment, and as much of it as stands on the line: all, unless it is wider than a line."""

Line = tuple[Piece, ...]


def wrap(words: Sequence[str], width: int) -> tuple[Line, ...]:
    """The lines, at most width cells wide with one space between words; at least one line."""
    lines: list[Line] = []
    line: list[Piece] = []
    used = 0
    for index, word in enumerate(words):
        cells = cell_len(word)
        for text, size in [(word, cells)] if cells <= width else _chopped(word, width):
            if line and used + 1 + size > width:
                lines.append(tuple(line))
                line, used = [], 0
            used += size + bool(line)
            line.append((index, text))
    return (*lines, tuple(line))


def wrap_lines(lines: Iterable[Sequence[str]], width: int) -> tuple[Line, ...]:
    """The lines of a text that has line breaks of its own; its words are counted through."""
    wrapped: list[Line] = []
    first = 0
    for words in lines:
        wrapped += [tuple((first + index, piece) for index, piece in line) for line in wrap(words, width)]
        first += len(words)
    return tuple(wrapped)


def _chopped(word: str, width: int) -> list[tuple[str, int]]:
    return [(part, cell_len(part)) for part in chop_cells(word, max(2, width))]  # a wide character takes two


class LineIndex:
    """Which segment stands on a line, among segments of given heights."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._ends = list(accumulate(heights))

    @property
    def height(self) -> int:
        """Lines of all segments."""
        return self._ends[-1] if self._ends else 0

    def __len__(self) -> int:
        return len(self._ends)

    def top(self, index: int) -> int:
        """The first line of a segment."""
        return self._ends[index - 1] if index else 0

    def locate(self, line: int) -> tuple[int, int]:
        """The segment on a line, and which of its lines that is; IndexError below the last."""
        if not 0 <= line < self.height:
            raise IndexError(line)
        index = bisect_right(self._ends, line)
        return index, line - self.top(index)

    def append(self, height: int) -> None:
        """Add a segment at the end."""
        self._ends.append(self.height + height)

    def resize(self, index: int, height: int) -> None:
        """Change the height of a segment."""
        grown = height - (self._ends[index] - self.top(index))
        if grown:
            self._ends[index:] = [end + grown for end in self._ends[index:]]
