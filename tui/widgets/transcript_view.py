"""The transcript, drawn line by line: only what is in sight costs anything, however long the session."""

from itertools import groupby
from typing import ClassVar

from rich.segment import Segment as Span
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.transcript import Segment, TranscriptDocument
from tui.wrapping import Line, LineIndex, wrap, wrap_lines

GUTTER = 10
"""Cells left of the words: a mark, and the time."""

_NARROW = 40  # cells; below, the time gives its place to the words
_NARROW_GUTTER = 2
_CONFIDENCE = ((0.5, "low"), (0.7, "doubtful"), (0.85, "fair"))
_DRAWN_LINES = 512  # that are kept: a few screens, for scrolling moves every line


class TranscriptView(ScrollView):
    """The segments of a transcript; stays at the end while it is there, and stays put where the user scrolled up.

    The owner changes the document and then calls `changed`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "screen.choose(-1)", "Previous segment", show=False),
        Binding("down,j", "screen.choose(1)", "Next segment", show=False),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"transcript--{name}" for name in ("time", "mark", "tail", "match", "chosen", "low", "doubtful", "fair")
    }

    following = reactive(True)
    """Whether the end is in sight and is to stay so."""

    chosen: reactive[int | None] = reactive(None)
    """The number of the segment that keys act upon."""

    query_text = reactive("")
    """What the user looks for; every occurrence is marked."""

    shows_confidence = reactive(False)
    """Whether words are coloured by their confidence."""

    class Chosen(Message):
        """The user has clicked on a segment."""

        def __init__(self, segment_id: int) -> None:
            super().__init__()
            self.segment_id = segment_id

    def __init__(self, document: TranscriptDocument) -> None:
        super().__init__(id="transcript")
        self.document = document
        self._lines: list[tuple[Line, ...]] = []
        self._index = LineIndex()
        self._wrapped_width = 0
        self._styles: dict[str, Style] = {}
        self._drawn: LRUCache[tuple[int, int, int, bool], Strip] = LRUCache(_DRAWN_LINES)

    # --- layout ---

    @property
    def gutter_cells(self) -> int:
        """Cells left of the words."""
        return GUTTER if self.scrollable_content_region.width >= _NARROW else _NARROW_GUTTER

    @property
    def text_cells(self) -> int:
        """The width of the words."""
        return max(8, self.scrollable_content_region.width - self.gutter_cells - 1)

    def on_resize(self) -> None:
        """Wrap anew where the width has changed; the segment at the top stays there."""
        if self.text_cells != self._wrapped_width:
            top = self._segment_at(self.scroll_offset.y)
            self.rewrap()
            if top is not None and not self.following:
                self.scroll_to(y=self._index.top(top), animate=False)
        self._follow()

    def rewrap(self) -> None:
        """Lay the whole document out."""
        self._wrapped_width = self.text_cells
        self._lines = [self._wrap(segment) for segment in self.document.segments]
        self._index = LineIndex(len(lines) for lines in self._lines)
        self._drawn.clear()
        self._resize_document()
        self.refresh()

    def changed(self, segment_id: int) -> None:
        """Show what has become of a segment: new, other words, or gone."""
        index = self.document.index_of(segment_id)
        segments = self.document.segments
        if index is None or len(segments) - len(self._lines) not in (0, index == len(self._lines)):
            self.rewrap()  # something went, or came in between: rare
            return
        lines, height = self._wrap(segments[index]), self._index.height
        if index == len(self._lines):
            self._lines.append(lines)
            self._index.append(len(lines))
        else:
            self._lines[index] = lines
            self._index.resize(index, len(lines))
        if self._index.height == height:
            self._redraw(self._index.top(index), len(lines))
        else:  # what is below has moved
            self._resize_document()
            self._redraw(self._index.top(index), max(height, self._index.height))

    def _wrap(self, segment: Segment) -> tuple[Line, ...]:
        said = segment.said
        if "\n" in said.text:
            return wrap_lines([line.split() for line in said.text.split("\n")], self.text_cells)
        return wrap([word.text for word in said.words], self.text_cells)

    def _resize_document(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, self._index.height)
        self._follow()

    def _redraw(self, line: int, count: int) -> None:
        """Draw lines of the document anew, as far as they are in sight."""
        width, height = self.scrollable_content_region.size
        top, bottom = (max(0, min(height, at - self.scroll_offset.y)) for at in (line, line + count))
        if top < bottom:
            self.refresh(Region(0, top, width, bottom - top))

    def _redraw_all(self) -> None:
        """Draw everything in sight in another way."""
        self._drawn.clear()
        self.refresh()

    def _follow(self) -> None:
        if self.following:
            self.scroll_end(animate=False, immediate=True, force=True)  # the scrollbar may be yet to come

    # --- scrolling and choosing ---

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Following ends where the user scrolls up, and begins again at the end."""
        super().watch_scroll_y(old_value, new_value)
        if new_value >= self.max_scroll_y:
            self.following = True
        elif new_value < old_value:
            self.following = False

    def validate_chosen(self, chosen: int | None) -> int | None:
        """A segment that is shown, or none."""
        return chosen if chosen is not None and self.document.index_of(chosen) is not None else None

    def watch_chosen(self, chosen: int | None) -> None:
        """Bring it in sight."""
        if chosen is not None:
            self.show_segment(chosen)
        self.refresh()

    def watch_query_text(self) -> None:
        """Mark anew."""
        self._redraw_all()

    def watch_shows_confidence(self) -> None:
        """Colour anew."""
        self._redraw_all()

    def show_segment(self, segment_id: int) -> None:
        """Scroll just so far that a segment is in sight."""
        index = self.document.index_of(segment_id)
        if index is None or index >= len(self._index):
            return
        top, bottom = self._index.top(index), self._index.top(index) + len(self._lines[index])
        height = self.scrollable_content_region.height
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, duration=0.15)
        elif bottom > self.scroll_offset.y + height:
            self.scroll_to(y=min(top, bottom - height), duration=0.15)

    def place_of(self, segment_id: int) -> tuple[int, int]:
        """A segment's first line, counted from the top of what is in sight, and how many lines it has."""
        index = self.document.index_of(segment_id)
        if index is None:
            raise KeyError(segment_id)
        return self._index.top(index) - round(self.scroll_target_y), len(self._lines[index])

    def on_click(self, event: events.Click) -> None:
        """Choose the segment under the mouse."""
        index = self._segment_at(self.scroll_offset.y + event.y - self.gutter.top)
        if index is not None:
            self.post_message(self.Chosen(self.document.segments[index].id))

    def _segment_at(self, line: int) -> int | None:
        return self._index.locate(line)[0] if 0 <= line < self._index.height else None

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        """One line in sight."""
        width = self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        if line >= self._index.height:
            return Strip.blank(width, self.rich_style)
        index, row = self._index.locate(line)
        segment = self.document.segments[index]
        key = (segment.id, segment.said.revision, row, segment.id == self.chosen)
        if (strip := self._drawn.get(key)) is None:
            strip = self._drawn[key] = self._draw(segment, self._lines[index][row], row, width)
        return strip

    def _draw(self, segment: Segment, line: Line, row: int, width: int) -> Strip:
        base = self.rich_style
        if segment.id == self.chosen:
            base += self._component("chosen")
        spans = [*self._gutter(segment, row, base), *self._words(segment, line, base)]
        return Strip(spans).adjust_cell_length(width, base)

    def notify_style_update(self) -> None:
        """The theme's colours."""
        super().notify_style_update()
        self._styles.clear()
        self._drawn.clear()

    def _component(self, name: str) -> Style:
        """What a part adds to the line's style; its colours are blended here, for Rich knows no transparency."""
        if name not in self._styles:
            styles = self.get_component_styles(f"transcript--{name}")
            behind = self.background_colors[1]
            colour = (behind + styles.color).rich_color if styles.has_rule("color") else None
            ground = (behind + styles.background).rich_color if styles.has_rule("background") else None
            self._styles[name] = Style.from_color(colour, ground) + styles.text_style
        return self._styles[name]

    def _gutter(self, segment: Segment, row: int, base: Style) -> list[Span]:
        mark = "▌" if not segment.is_final else "✎" if segment.edited and row == 0 else " "
        style = base + self._component("mark")
        if self.gutter_cells < GUTTER:
            return [Span(f"{mark:<{self.gutter_cells}}", style)]
        time = clock(segment.start_s) if row == 0 else ""
        blank = Span(" " * (GUTTER - 3 - len(time)), base)
        return [Span(mark, style), blank, Span(f"{time}", base + self._component("time")), Span("  ", base)]

    def _words(self, segment: Segment, line: Line, base: Style) -> list[Span]:
        """The words of a line; neighbours of one style are one span."""
        styles: list[Style] = []  # of each character
        for index, piece in line:
            style = base + self._word_style(segment, index)
            if styles:
                styles.append(style if styles[-1] == style else base)
            styles += [style] * len(piece)
        text = " ".join(piece for _, piece in line)
        self._mark_matches(text, styles)
        runs = groupby(zip(text, styles, strict=True), key=lambda pair: pair[1])
        return [Span("".join(letter for letter, _ in run), style) for style, run in runs]

    def _word_style(self, segment: Segment, index: int) -> Style:
        if index >= segment.committed_words:
            return self._component("tail")
        if self.shows_confidence:
            confidence = segment.said.words[index].confidence
            for limit, name in _CONFIDENCE:
                if confidence < limit:
                    return self._component(name)
        return Style.null()

    def _mark_matches(self, text: str, styles: list[Style]) -> None:
        wanted, lowered = self.query_text.casefold(), text.casefold()
        if not wanted or len(lowered) != len(text):
            return
        start = lowered.find(wanted)
        while start >= 0:
            for place in range(start, start + len(wanted)):
                styles[place] += self._component("match")
            start = lowered.find(wanted, start + len(wanted))


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
