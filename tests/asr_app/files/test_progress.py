"""What other programs read of a batch."""

import json
import os
from pathlib import Path

import pytest

from asr_app.errors import AudioFormatError
from asr_app.files.inputs import Recording
from asr_app.files.progress import JsonEvents


def test_names_that_are_no_utf_8_are_text_in_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    """Half of a surrogate pair is refused by other programs' JSON."""
    name = os.fsdecode(b"caf\xe9.wav")
    recording, events = Recording(name, Path(name)), JsonEvents()
    events.watch(Path(name))
    events.start(recording, None)
    events.reach(recording, 1.0)
    events.finish(recording, 1.0)
    events.skip(recording)
    events.fail(recording, AudioFormatError("damaged"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert {str(told.get("file", told.get("folder"))) for told in map(json.loads, lines)} == {r"caf\xe9.wav"}
