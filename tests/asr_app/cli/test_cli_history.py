"""`asr history`: what was transcribed is listed, found, shown, exported, kept and deleted."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from asr_app.records.history import About, History, Kind
from asr_app.sinks.segment import Utterance
from decoder.types import Word

Asr = Callable[..., Any]


def said(text: str, start_s: float) -> Utterance:
    return Utterance(tuple(Word(word, start_s + k, start_s + k + 0.5, 0.9) for k, word in enumerate(text.split())))


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The history of the test's own, of two transcripts."""
    path = tmp_path / "history.sqlite3"
    monkeypatch.setattr("asr_app.records.history.history_file", lambda: path)
    with History(path) as history:
        for day, source, text in [(1, "/old.wav", "good morning"), (2, "/n\new.wav", "the budget meeting")]:
            about = About(source, Kind.FILE, datetime(2026, 5, day, 9, 30).astimezone(), 74.6, "english", "en")
            history.add(about, [said(text, 61.0)])
    return path


def test_the_list_has_the_newest_first(asr: Asr) -> None:
    first, second = asr("history", "list").out.splitlines()
    assert first.split("\t") == ["2", "2026-05-02 09:30", "0:01:15", "file", "'/n\\new.wav'", "the budget meeting"]
    assert second.startswith("1\t")
    assert asr("history", "list", "--before", "2026-05-02").out.splitlines() == [second]
    assert asr("history", "list", "--since", "2026-05-02").out.splitlines() == [first]
    assert asr("history", "list", "--since", "2026-05-01 10:00").out.splitlines() == [first]
    wrong = asr("history", "list", "--since", "yesterday")
    assert wrong.code == 2
    assert "give a date such as 2026-05-01" in wrong.complaint


def test_search_shows_where_it_was_said(asr: Asr) -> None:
    (line,) = asr("history", "search", "meeting", "budget").out.splitlines()
    assert line.split("\t")[-2:] == ["0:01:01", "the [budget] [meeting]"]
    none = asr("history", "search", "zeppelin")
    assert (none.code, none.out, none.err) == (0, "", "nothing found\n")
    assert asr("history", "search", "?").complaint.startswith("asr: nothing to search for")


def test_show_and_export(asr: Asr, tmp_path: Path) -> None:
    assert asr("history", "show", 1).out.splitlines()[1:] == ["", "0:01:01  good morning"]
    assert asr("history", "export", 1).out == "good morning\n"
    assert json.loads(asr("history", "export", 1, "-f", "json").out)["file"] == "/old.wav"
    target = tmp_path / "old.srt"
    assert asr("history", "export", 1, "-f", "srt", "-o", target).code == 0
    assert target.read_text().startswith("1\n00:01:01,000 --> ")
    assert "there already" in asr("history", "export", 1, "-o", target).complaint
    assert "no transcript 9" in asr("history", "show", 9).complaint


def test_nothing_is_deleted_unasked(asr: Asr) -> None:
    assert asr("history", "delete", 1).code == 2
    assert len(asr("history", "list").out.splitlines()) == 2
    assert asr("history", "delete", 1, "--yes").code == 0
    assert len(asr("history", "list").out.splitlines()) == 1


def test_what_is_kept_outlives_its_time(asr: Asr, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = asr("history", "keep", 1)
    assert (kept.code, kept.out, kept.err) == (0, "", "kept: 1\n")
    monkeypatch.setenv("ASR_HISTORY_DAYS", "30")
    (line,) = asr("history", "list").out.splitlines()
    assert line.startswith("1*\t2026-05-01")


def test_a_damaged_history_is_one_line(asr: Asr, file: Path) -> None:
    file.write_bytes(b"no database " * 1000)
    done = asr("history", "list")
    assert done.code == 8
    assert "move the file away" in done.complaint
