"""A dictation on the screen is remembered where its speaker wants that, under the name of its recording."""

from datetime import datetime
from pathlib import Path

from asr_app.cli.dictate import Sessions
from asr_app.config import load_settings
from asr_app.events import Final
from asr_app.records.history import History, Kind, history_file
from decoder.types import Word

BEGAN = datetime(2026, 5, 1, 12).astimezone()
FINALS = [Final(0, 1, (Word("hello", 1.0, 1.4, 0.9),)), Final(1, 1, (Word("there", 2.0, 2.5, 0.9),))]


def test_it_is_remembered_only_where_that_is_wanted(tmp_path: Path) -> None:
    Sessions(load_settings(), "mic").remember(BEGAN, "USB microphone", FINALS)
    assert not history_file().exists()
    wanted = load_settings(history_dictation=True)
    Sessions(wanted, "mic").remember(BEGAN, "USB microphone", [])
    assert not history_file().exists()
    Sessions(wanted, "mic").remember(BEGAN, "USB microphone", FINALS)
    Sessions(wanted, "mic", recording=tmp_path / "dictation-1").remember(BEGAN, "USB microphone", FINALS)
    with History(history_file()) as history:
        found = history.transcripts()
        assert [one.about.source for one in found] == [str(tmp_path / "dictation-1.wav"), "USB microphone"]
        assert {(one.about.kind, one.about.duration_s, one.opening) for one in found} == {
            (Kind.DICTATION, 2.5, "hello")
        }
