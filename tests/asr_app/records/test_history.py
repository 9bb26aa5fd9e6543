"""The history: what is remembered, found, kept and forgotten, by several processes and after damage."""

import logging
import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asr_app.errors import ConfigError
from asr_app.events import Final
from asr_app.records import history as module
from asr_app.records.history import About, History, HistoryError, Kind, Period
from asr_app.records.remembering import Memory
from asr_app.sinks.segment import Utterance
from asr_app.text.stages import Token
from asr_app.text.written import written
from decoder.types import Word

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def said(text: str, start_s: float = 0.0, speaker: str = "") -> Utterance:
    words = [Word(word, start_s + k, start_s + k + 0.5, 0.9) for k, word in enumerate(text.split())]
    return Utterance(tuple(words), speaker)


def about(days_ago: float = 0, source: str = "/talk.wav") -> About:
    return About(source, Kind.FILE, NOW - timedelta(days=days_ago), 60.0, "english", "en")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "asr" / "history.sqlite3"


def test_what_is_remembered_comes_back_as_it_was(path: Path) -> None:
    spoken = Final(0, 1, said("twenty euros new line please").words)
    tokens = (Token("€20", 0, 2), Token("\n", 2, 4, space_before=False), Token("Please", 4, 5))
    note = written(spoken, tokens)
    with History(path) as history:
        number = history.add(about(), [said("good morning", 3.0, "2"), Utterance(()), note])
    with History(path) as history:
        assert history.about(number) == about()
        greeting, thanks = history.passages(number)
    assert greeting.written == said("good morning", 3.0, "2")
    assert greeting.raw == greeting.written.words
    assert (thanks.text, thanks.raw, thanks.written.words) == ("€20\nPlease", spoken.words, note.words)


def test_a_name_that_is_not_utf_8_is_no_damage(path: Path) -> None:
    with History(path) as history:
        number = history.add(about(source="/caf\udce9.mp4"), [said("alpha")])
        assert history.about(number).source == "/caf\\xe9.mp4"
        assert history.search("caf\udce9") == []
        number = history.add(replace(about(), model="/mod\udce9l"), [said("alpha")])
        assert history.about(number).model == "/mod\\xe9l"


def test_only_its_user_can_read_it(path: Path) -> None:
    with History(path) as history:
        history.add(about(), [said("secret")])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys([path.name, f"{path.name}-wal", f"{path.name}-shm"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_search_finds_words_phrases_and_beginnings_the_best_first(path: Path) -> None:
    with History(path) as history:
        long = history.add(about(2), [said("the budget of the café was a small part of all that we spoke about", 30.0)])
        short = history.add(about(1), [said("hello"), said("the Budget meeting", 7.5)])
        numbers = {
            query: [hit.number for hit in history.search(query)]
            for query in ["budget", '"budget meeting"', "meet*", "cafe", "budget hello", 'NOT) OR* AND"', "meet"]
        }
        assert numbers == {
            "budget": [short, long],
            '"budget meeting"': [short],
            "meet*": [short],
            "cafe": [long],
            "budget hello": [],
            'NOT) OR* AND"': [],
            "meet": [],
        }
        (hit,) = history.search("budget", Period(since=NOW - timedelta(days=1.5)))
        assert (hit.start_s, hit.snippet) == (7.5, "the [Budget] meeting")
        assert [one.number for one in history.search("budget", Period(before=NOW - timedelta(days=1.5)))] == [long]
        with pytest.raises(ConfigError, match="nothing to search for"):
            history.search('"" *')


def test_what_was_said_is_found_as_well_as_what_was_written_for_it(path: Path) -> None:
    note = written(Final(0, 1, said("twenty euros").words), (Token("€20", 0, 2),))
    with History(path) as history:
        number = history.add(about(), [note])
        assert [hit.number for query in ("twenty", "20") for hit in history.search(query)] == [number, number]


def test_age_forgets_all_but_what_is_kept(path: Path) -> None:
    with History(path) as history:
        kept, _, new = (history.add(about(days), [said("alpha")]) for days in (400, 40, 1))
        history.mark([kept], True)
        assert history.expire(NOW - timedelta(days=30)) == 1
        assert [(one.number, one.kept) for one in history.transcripts()] == [(new, False), (kept, True)]
        assert history.expire(NOW - timedelta(days=30)) == 0
        history.mark([kept], False)
        assert history.expire(NOW - timedelta(days=30)) == 1
    with History(path, days=1):
        pass
    with History(path) as history:
        assert history.transcripts() == []


def test_what_is_deleted_is_no_more_in_any_file(path: Path) -> None:
    with History(path) as history:
        number = history.add(about(), [said("xylophone zeppelin")])
        other = history.add(about(), [said("harmless")])
        history.delete([number])
        assert history.search("xylophone") == []
        assert [one.number for one in history.transcripts()] == [other]
        assert b"xyloph" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
        with pytest.raises(ConfigError, match=f"no transcript {number}"):
            history.delete([other, number])
        assert [one.number for one in history.transcripts()] == [other]


def test_several_processes_lose_nothing(path: Path) -> None:
    code = (
        "import sys\nfrom tests.asr_app.records.test_history import *\n"
        "for number in range(20):\n"
        "    with History(Path(sys.argv[1])) as history: history.add(about(), [said(f'word{number}')] * 3)\n"
    )
    root = Path(__file__).parents[3]
    running = [subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=root) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    with History(path) as history:
        assert len(history.transcripts()) == 60
        assert len(history.search("word7")) == 9


def test_an_older_database_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with History(path) as history:
        number = history.add(about(), [said("hello")])
    more = (*module._MIGRATIONS, ("ALTER TABLE transcripts ADD COLUMN note TEXT NOT NULL DEFAULT ''",))
    with monkeypatch.context() as patch:
        patch.setattr(module, "_MIGRATIONS", more)
        with History(path) as history:
            assert history.about(number) == about()
    with pytest.raises(HistoryError, match="newer asr: update"):
        History(path)


@pytest.mark.parametrize("damage", ["nonsense", "cut", "words"])
def test_damage_is_one_line_without_what_was_said(path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    with History(path) as history:
        number = history.add(about(), [said(f"secret{k}") for k in range(500)])
    if damage == "nonsense":
        path.write_bytes(b"no database " * 1000)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:20_000])
    else:
        with sqlite3.connect(path) as db:
            db.execute("UPDATE segments SET words = CAST(x'ff736563726574' AS TEXT)")
        db.close()
    with pytest.raises(HistoryError) as caught, History(path) as history:
        history.passages(number)
    assert "move the file away" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_history_that_fails_is_told_once_and_stops_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database " * 1000)
    memory = Memory(path, None, Kind.FILE, "english")
    for _ in range(2):
        memory.add("/talk.wav", NOW, 60.0, [said("secret")])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "not remembered" in record.getMessage()
    assert "secret" not in caplog.text
    path.unlink()
    memory.add("/talk.wav", NOW, 60.0, [said("secret")])
    with History(path) as history:
        assert [one.about for one in history.transcripts()] == [about()]
