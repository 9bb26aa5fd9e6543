"""The level meter: the sound now, and the loudest of the last moments."""

from typing import ClassVar

from rich.segment import Segment as Span
from rich.style import Style
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

FLOOR_DBFS = -60.0
_HOT_DBFS, _WARM_DBFS = -3.0, -12.0
_FIGURE_CELLS = len(" -60 dB")
_FALL_DB = 1.5  # of the peak, at each update


class LevelMeter(Widget):
    """A bar from FLOOR_DBFS to full scale."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"meter--good", "meter--warm", "meter--hot", "meter--rest", "meter--figure"}

    level = reactive(FLOOR_DBFS)
    """dBFS."""

    def __init__(self) -> None:
        super().__init__(id="meter")
        self._peak = FLOOR_DBFS

    def show(self, level: float) -> None:
        """Take a new level; its peak falls slowly."""
        self._peak = max(level, self._peak - _FALL_DB, FLOOR_DBFS)
        # to half a decibel: a smaller change is not seen, and is not worth drawing
        self.level = round(2 * max(level, FLOOR_DBFS)) / 2

    def render_line(self, y: int) -> Strip:
        """The bar and the figure."""
        figure = f"{self.level:.0f} dB" if self.level > FLOOR_DBFS else ""
        cells = max(0, self.size.width - _FIGURE_CELLS)
        filled, peak = (_cells(value, cells) for value in (self.level, self._peak))
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
