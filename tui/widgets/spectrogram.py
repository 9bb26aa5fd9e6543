"""The live spectrogram: two loudnesses in each cell, the upper half and the lower half of a block."""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import ClassVar

from rich.color import Color as RichColor
from rich.segment import Segment as Span
from rich.style import Style
from textual.color import Gradient
from textual.strip import Strip
from textual.widget import Widget

_SHADES = 24
_BLOCKS = " ░▒▓█"  # where there are no colours


class Spectrogram(Widget):
    """Mel columns that move from right to left."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"spectrogram--quiet", "spectrogram--middle", "spectrogram--loud"}

    def __init__(self) -> None:
        super().__init__(id="spectrogram")
        self._columns: deque[tuple[int, ...]] = deque()
        self._palette: tuple[RichColor, ...] = ()

    def push(self, columns: Iterable[Sequence[float]]) -> None:
        """Add columns of loudness in [0, 1], bands from low to high."""
        added = [_rows(column, 2 * max(1, self.size.height)) for column in columns]
        if not any(map(any, (*added, *self._columns))):
            return  # silence that moves over silence
        self._columns.extend(added)
        while len(self._columns) > max(1, self.size.width):
            self._columns.popleft()
        if added:
            self.refresh()

    def on_resize(self) -> None:
        """Columns of another height are of no use."""
        if self._columns and len(self._columns[-1]) != 2 * self.size.height:
            self._columns.clear()

    def notify_style_update(self) -> None:
        """The theme's colours."""
        super().notify_style_update()
        self._palette = ()

    def render_line(self, y: int) -> Strip:
        """One line of cells."""
        upper = 2 * (self.size.height - y) - 1  # rows count from the lowest band
        pairs = [(column[upper], column[upper - 1]) for column in self._columns if upper < len(column)]
        left = self.size.width - len(pairs)
        draw = self._shaded if self.app.no_color else self._coloured
        return Strip([Span(" " * left, self.rich_style), *draw(pairs)], self.size.width)

    def _coloured(self, pairs: list[tuple[int, int]]) -> list[Span]:
        if not self._palette:
            self._palette = self._colours()
        return [
            Span("▀" * len(list(run)), _style(self._palette[pair[0]], self._palette[pair[1]]))
            for pair, run in groupby(pairs)
        ]

    def _shaded(self, pairs: list[tuple[int, int]]) -> list[Span]:
        text = "".join(_BLOCKS[max(pair) * (len(_BLOCKS) - 1) // (_SHADES - 1)] for pair in pairs)
        return [Span(text, self.rich_style)]

    def _colours(self) -> tuple[RichColor, ...]:
        names = ("quiet", "middle", "loud")
        stops = [self.get_component_styles(f"spectrogram--{name}").color for name in names]
        gradient = Gradient.from_colors(self.background_colors[1], *stops, quality=_SHADES)
        return tuple(gradient.get_rich_color(k / (_SHADES - 1)) for k in range(_SHADES))


@lru_cache(_SHADES**2)
def _style(upper: RichColor, lower: RichColor) -> Style:
    return Style(color=upper, bgcolor=lower)


def _rows(column: Sequence[float], rows: int) -> tuple[int, ...]:
    """A column as shades, in as many rows, from low to high; each takes the loudest of its bands."""
    shades = []
    for row in range(rows):
        first = row * len(column) // rows
        last = max(first + 1, (row + 1) * len(column) // rows)
        shades.append(round(min(1.0, max(0.0, *column[first:last], 0.0)) * (_SHADES - 1)))
    return tuple(shades)
