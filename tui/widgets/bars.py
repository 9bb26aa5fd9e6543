"""The line above the transcript, which says what the session is doing, and the one of figures below."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.session import State, Status
from tui.widgets.level_meter import LevelMeter
from tui.widgets.transcript_view import clock

_SAID = {
    State.LOADING: ("◌", "Loading the recogniser", "$foreground 60%"),
    State.LISTENING: ("○", "Listening", "$success"),
    State.SPEECH: ("●", "Speech", "$success"),
    State.PAUSED: ("‖", "Paused", "$warning"),
    State.RECONNECTING: ("↻", "Reconnecting", "$error"),
    State.FINISHED: ("■", "Finished", "$foreground 60%"),
}


class _Label(Static):
    """A label that is told often what it says: only a change is drawn, and laid out only where it alters the size."""

    _shown = Content()

    def show(self, content: Content) -> None:
        """Say something."""
        if not content.is_same(self._shown):
            self._shown = content
            self.update(content, layout=self.styles.auto_dimensions)


class StateLine(Horizontal):
    """State, time and recording on the left; model and microphone on the right."""

    def __init__(self) -> None:
        super().__init__(id="state-line")
        self._state, self._source = _Label(id="state"), _Label(id="source")

    def compose(self) -> ComposeResult:
        """Two labels."""
        yield self._state
        yield self._source

    def show(self, status: Status, kept: bool, is_raw: bool = False, note: str = "") -> None:
        """kept: whether a journal keeps the words. is_raw: whether they are shown as recognised.

        note: what went wrong with written text; it takes the place of model and microphone.
        """
        symbol, text, colour = _SAID[status.state]
        parts = [Content.styled(f"{symbol} {text}", f"{colour} bold")]
        if status.time_s:
            parts.append(Content.styled(clock(status.time_s), "$foreground 60%"))
        if status.recording:
            parts.append(Content.styled("● REC", "$error bold"))
        if kept:
            parts.append(Content.styled("journal on", "$foreground 40%"))
        if is_raw:
            parts.append(Content.styled("raw words", "$warning"))
        self._state.show(Content("   ").join(parts))
        if note:
            self._source.show(Content.styled(note, "$warning"))
            return
        source = [part for part in (status.model, status.device) if part]
        self._source.show(Content.styled(" · ".join(source), "$foreground 60%"))


class Figures(Horizontal):
    """The level, and how well the recogniser keeps up."""

    def __init__(self) -> None:
        super().__init__(id="figures-line")
        self._meter, self._figures = LevelMeter(), _Label(id="figures")

    def compose(self) -> ComposeResult:
        """The meter and one label."""
        yield self._meter
        yield self._figures

    def show(self, status: Status) -> None:
        """Take the figures of now."""
        self._meter.show(status.level_dbfs)
        parts = []
        if status.latency_ms:
            median, late = status.latency_ms
            parts.append(_figure("latency", f"{median:.0f} · {late:.0f} ms"))
        if status.real_time_factor is not None:
            parts.append(_figure("RTF", f"{status.real_time_factor:.2f}"))
        colour = "$error" if status.dropped_s else "$foreground"
        parts.append(_figure("lost", f"{status.dropped_s:.1f} s", colour))
        self._figures.show(Content("   ").join(parts))


def _figure(name: str, value: str, colour: str = "$foreground") -> Content:
    return Content.assemble((name, "$foreground 60%"), " ", (value, colour))
