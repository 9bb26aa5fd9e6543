"""What is told of a batch while it goes on: lines, JSON for other programs, or nothing."""

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr_app.audio.blocks import shown
from asr_app.cli.messages import complain
from asr_app.errors import AsrError
from asr_app.file_names import as_text
from asr_app.files.inputs import Recording

_EVENT_S = 0.2


@dataclass
class Tally:
    """What became of a batch's recordings.

    failures: in order, with what kept each recording from being transcribed.
    audio_s: seconds of the recordings that were finished.
    """

    finished: int = 0
    skipped: int = 0
    audio_s: float = 0.0
    failures: list[tuple[Recording, AsrError]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def speed(self) -> float:
        """Seconds of recordings a second."""
        return self.audio_s / max(1e-9, time.monotonic() - self.began)

    def summary(self) -> str:
        """One line."""
        return (
            f"{self.finished} transcribed ({minutes(self.audio_s)}, {self.speed:.1f} x real time), "
            f"{self.skipped} there already, {len(self.failures)} failed"
        )


class Progress:
    """Tells failures as they come, and what is waited for, and nothing else."""

    def watch(self, folder: Path) -> None:
        """What arrives in a folder is the batch; it would else be silent until something does."""
        _say(f"watching {shown(folder)}: Ctrl-C ends it")

    def plan(self, recordings: int, size: int) -> None:
        """The batch has so many recordings, of so many bytes."""

    def start(self, recording: Recording, duration_s: float | None) -> None:
        """A recording is opened; duration_s: as it states it."""

    def reach(self, recording: Recording, position_s: float) -> None:
        """It is heard up to here."""

    def finish(self, recording: Recording, duration_s: float) -> None:
        """Its transcript is written."""

    def skip(self, recording: Recording) -> None:
        """Its transcript is there already."""

    def fail(self, recording: Recording, error: AsrError) -> None:
        """It cannot be transcribed."""
        complain(error)

    def end(self, tally: Tally, stopped: bool) -> None:
        """The batch is over; stopped: by the user, before its end."""


class Lines(Progress):
    """A line on standard error for each recording that is finished, and a summary."""

    _stopped = "stopped, --resume goes on"

    def watch(self, folder: Path) -> None:
        """What arrives in a folder is the batch; the next watch goes on by itself."""
        super().watch(folder)
        self._stopped = "stopped"

    def finish(self, recording: Recording, duration_s: float) -> None:
        """Its transcript is written."""
        _say(f"{recording.name}: {minutes(duration_s)}")

    def skip(self, recording: Recording) -> None:
        """Its transcript is there already."""
        _say(f"{recording.name}: there already")

    def end(self, tally: Tally, stopped: bool) -> None:
        """The summary; failures, which may be far above, are told again."""
        for recording, _ in tally.failures:
            _say(f"failed: {recording.name}")
        _say((f"{self._stopped}: " if stopped else "") + tally.summary())


class JsonEvents(Progress):
    """A line of JSON on standard error for everything; of how far a recording is heard, five a second."""

    def __init__(self) -> None:
        self._told = -_EVENT_S

    def watch(self, folder: Path) -> None:
        """What arrives in a folder is the batch."""
        _event("watching", folder=as_text(str(folder)))

    def plan(self, recordings: int, size: int) -> None:
        """The batch has so many recordings."""
        _event("planned", files=recordings, bytes=size)

    def start(self, recording: Recording, duration_s: float | None) -> None:
        """A recording is opened."""
        _event("started", file=recording.title, duration_s=duration_s)

    def reach(self, recording: Recording, position_s: float) -> None:
        """It is heard up to here."""
        now = time.monotonic()
        if now - self._told >= _EVENT_S:
            self._told = now
            _event("progress", file=recording.title, position_s=round(position_s, 3))

    def finish(self, recording: Recording, duration_s: float) -> None:
        """Its transcript is written."""
        _event("finished", file=recording.title, duration_s=round(duration_s, 3))

    def skip(self, recording: Recording) -> None:
        """Its transcript is there already."""
        _event("skipped", file=recording.title)

    def fail(self, recording: Recording, error: AsrError) -> None:
        """It cannot be transcribed."""
        _event("failed", file=recording.title, message=" ".join(str(error).splitlines()), code=error.exit_code)

    def end(self, tally: Tally, stopped: bool) -> None:
        """The summary."""
        _event(
            "summary",
            finished=tally.finished,
            skipped=tally.skipped,
            failed=len(tally.failures),
            audio_s=round(tally.audio_s, 3),
            speed=round(tally.speed, 2),
            stopped=stopped,
        )


def minutes(seconds: float) -> str:
    """A length of sound: 3:07 min."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02} min"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _event(name: str, **fields: Any) -> None:
    _say(json.dumps({"event": name, **fields}))
