"""The level meter: the sound now, and the loudest of the last moments."""

from typing import ClassVar

from rich.segment import Segment as Span
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

FLOOR_DBFS = -60.0
_HOT_DBFS, _WARM_DBFS = -3.0, -12.0
_FIGURE_CELLS = len(" -60 dB")
_FALL_DB = 1.5  # of the peak, at each update
_SEEN_DB = 1.0  # steady noise trembles by less


class LevelMeter(Widget):
    """A bar from FLOOR_DBFS to full scale."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"meter--good", "meter--warm", "meter--hot", "meter--rest", "meter--figure"}

    def __init__(self) -> None:
        super().__init__(id="meter")
        self._level = self._peak = FLOOR_DBFS
        self._drawn = self._look()

    def show(self, level: float) -> None:
        """Take a new level in dBFS, where it is another to the eye; its peak falls slowly."""
        level = max(level, FLOOR_DBFS)
        if abs(level - self._level) >= _SEEN_DB:
            self._level = level
        self._peak = max(self._level, self._peak - _FALL_DB)
        if self._drawn != self._look():
            self._drawn = self._look()
            self.refresh()

    def _look(self) -> tuple[int, int, str]:
        """What there is to see: filled cells, the cell of the peak, and the figure."""
        cells = max(0, self.size.width - _FIGURE_CELLS)
        figure = f"{self._level:.0f} dB" if self._level > FLOOR_DBFS else ""
        return _cells(self._level, cells), _cells(self._peak, cells), figure

    def render_line(self, y: int) -> Strip:
        """The bar and the figure."""
        cells = max(0, self.size.width - _FIGURE_CELLS)
        filled, peak, figure = self._look()
        spans = []
        for cell in range(cells):
            name = self._zone(cell, cells) if cell < filled or (cell == peak - 1) else "rest"
            spans.append(Span("━" if name != "rest" else "─", self._style(name)))
        blank = Span(" " * (_FIGURE_CELLS - len(figure)), self.rich_style)
        return Strip([*spans, blank, Span(figure, self._style("figure"))]).simplify()

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"meter--{name}")

    @staticmethod
    def _zone(cell: int, cells: int) -> str:
        dbfs = FLOOR_DBFS * (1 - (cell + 1) / cells)
        return "hot" if dbfs > _HOT_DBFS else "warm" if dbfs > _WARM_DBFS else "good"


def _cells(dbfs: float, cells: int) -> int:
    return round(cells * (1 - max(FLOOR_DBFS, min(0.0, dbfs)) / FLOOR_DBFS))
