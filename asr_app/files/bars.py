"""Progress bars on a terminal: one for the batch, one for the recording that is heard."""

import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from asr_app.errors import AsrError
from asr_app.files.inputs import Recording
from asr_app.files.progress import Lines, Tally, minutes


class Bars(Lines):
    """Bars while the batch goes on; what is finished and what failed scrolls by above them.

    Of the batch the bar counts bytes, for nobody knows how long a recording is before it is opened.
    """

    def __init__(self) -> None:
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[heard]}"),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
        )
        self._whole = self._bars.add_task("all", total=None, heard="")
        self._one = self._bars.add_task("", total=None, heard="", visible=False)
        self._durations: dict[Recording, float] = {}
        self._bytes = self._audio_s = 0.0
        self._began = time.monotonic()

    def plan(self, recordings: int, size: int) -> None:
        """The batch begins."""
        self._bars.update(self._whole, description=f"{recordings} recordings", total=max(1, size))
        self._bars.start()

    def start(self, recording: Recording, duration_s: float | None) -> None:
        """A recording is opened."""
        if duration_s:
            self._durations[recording] = duration_s

    def reach(self, recording: Recording, position_s: float) -> None:
        """It is heard up to here."""
        duration_s = self._durations.get(recording)
        self._bars.update(
            self._one,
            description=escape(recording.name[-40:]),
            total=duration_s,
            completed=position_s,
            heard=minutes(position_s),
            visible=True,
        )
        share = min(1.0, position_s / duration_s) if duration_s else 0.0
        self._show_whole(self._bytes + share * recording.size, self._audio_s + position_s)

    def finish(self, recording: Recording, duration_s: float) -> None:
        """Its transcript is written."""
        self._audio_s += duration_s
        self._pass(recording)
        super().finish(recording, duration_s)

    def skip(self, recording: Recording) -> None:
        """Its transcript is there already."""
        self._pass(recording)
        super().skip(recording)

    def fail(self, recording: Recording, error: AsrError) -> None:
        """It cannot be transcribed."""
        self._pass(recording)
        super().fail(recording, error)

    def end(self, tally: Tally, stopped: bool) -> None:
        """The bars go, the summary stays."""
        self._bars.stop()
        super().end(tally, stopped)

    def _pass(self, recording: Recording) -> None:
        self._durations.pop(recording, None)
        self._bytes += recording.size
        self._show_whole(self._bytes, self._audio_s)

    def _show_whole(self, done: float, audio_s: float) -> None:
        speed = audio_s / max(1e-9, time.monotonic() - self._began)
        self._bars.update(self._whole, completed=done, heard=f"{minutes(audio_s)}, {speed:.1f} x real time")
