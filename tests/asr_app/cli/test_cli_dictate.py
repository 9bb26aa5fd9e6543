"""`asr dictate` without its screen: the sessions that it opens."""

import os
import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from loudness import Loudness

import asr_app.audio.voice_activity
import asr_app.words.vocabulary_watch
from asr_app.audio.types import Samples
from asr_app.cli.dictate import Sessions, _check, _left
from asr_app.config import load_settings
from asr_app.errors import AsrError, ConfigError
from asr_app.events import Final, Written
from asr_app.live.session import LiveSession
from asr_app.recognizer import Recognizer
from asr_app.records import journal as journals
from asr_app.words.vocabulary import Entry, write_vocabulary
from decoder.types import Word


def test_a_word_is_stored_and_the_running_session_takes_it_up(
    model_folder: Path, whistle: Callable[..., Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "tan.wav", whistle("tan"), 16_000)
    used: list[Recognizer] = []
    monkeypatch.setattr(LiveSession, "use", lambda _, recognizer: used.append(recognizer))
    settings = load_settings(model=str(model_folder), device="cpu")
    sessions = Sessions(settings, str(tmp_path / "tan.wav"))
    with pytest.raises(ConfigError, match="wait a moment"):
        sessions.add_word("tan", None)
    session = sessions.open(None, None)
    sessions.add_word("Tan", None)
    assert settings.vocabulary.read_text() == "Tan\n"
    assert len(used) == 1
    with pytest.raises(AsrError):
        sessions.add_word("Nguyen", None)  # this model cannot say new words
    assert settings.vocabulary.read_text() == "Tan\n"
    session.stop()
    list(session.events())
    assert len(used) == 1


def test_words_that_another_program_adds_are_taken_up(
    model_folder: Path, whistle: Callable[..., Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "tan.wav", whistle("tan" + "_" * 100), 16_000)
    monkeypatch.setattr(asr_app.words.vocabulary_watch, "_LOOK_S", 0.01)
    used = queue.Queue[Recognizer]()
    monkeypatch.setattr(LiveSession, "use", lambda _, recognizer: used.put(recognizer))
    settings = load_settings(model=str(model_folder), device="cpu")
    session = Sessions(settings, str(tmp_path / "tan.wav")).open(None, None)
    listener = threading.Thread(target=lambda: list(session.events()))
    listener.start()
    write_vocabulary(settings.vocabulary, [Entry("Nguyen")])  # this model cannot say it: all stays as it was
    write_vocabulary(settings.vocabulary, [Entry("Tan")])
    assert [entry.written for entry in used.get(timeout=30).expected] == ["Tan"]
    session.stop()
    listener.join(30)
    assert not listener.is_alive()


def test_a_word_joins_those_that_the_settings_model_has_no_use_for(
    model_folder: Path, whistle: Callable[..., Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "tan.wav", whistle("tan" + "_" * 100), 16_000)
    shutil.copytree(model_folder, tmp_path / "letters")
    (tmp_path / "letters" / "lexicon.txt.gz").unlink()  # a model such as wav2vec 2.0's
    monkeypatch.setattr(asr_app.words.vocabulary_watch, "_LOOK_S", 0.01)
    used = queue.Queue[Recognizer]()
    monkeypatch.setattr(LiveSession, "use", lambda _, recognizer: used.put(recognizer))
    settings = load_settings(model=str(tmp_path / "letters"), device="cpu")
    write_vocabulary(settings.vocabulary, [Entry("sat")])
    sessions = Sessions(settings, str(tmp_path / "tan.wav"))
    session = sessions.open(str(model_folder), None)  # chosen on the screen
    listener = threading.Thread(target=lambda: list(session.events()))
    listener.start()
    sessions.add_word("Tan", None)
    assert settings.vocabulary.read_text() == "sat\nTan\n"
    for _ in range(2):  # as it was added, and as the file is seen to have changed
        assert [entry.written for entry in used.get(timeout=30).expected] == ["sat", "Tan"]
    session.stop()
    listener.join(30)


def test_words_need_the_search_that_takes_them(
    model_folder: Path, whistle: Callable[..., Samples], tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "tan.wav", whistle("tan"), 16_000)
    settings = load_settings(model=str(model_folder), device="cpu", decoder="greedy")
    sessions = Sessions(settings, str(tmp_path / "tan.wav"))
    session = sessions.open(None, None)
    with pytest.raises(ConfigError, match="--decoder beam"):
        sessions.add_word("tan", None)
    session.stop()
    list(session.events())
    assert not settings.vocabulary.exists()


def test_what_is_heard_is_written_unless_raw_words_are_wanted(
    model_folder: Path, whistle: Callable[..., Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
    soundfile.write(tmp_path / "tan.wav", whistle("__tan" + "_" * 8), 16_000)
    settings = load_settings(model=str(model_folder), device="cpu")
    for wanted in (None, False):
        sessions = Sessions(settings.model_copy(update={"written": wanted}), str(tmp_path / "tan.wav"))
        texts = [event.text for event in sessions.open(None, None).events() if isinstance(event, Written)]
        assert texts == ([] if wanted is False else ["tan"])


def test_a_session_that_was_left_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "journal_folder", lambda: tmp_path / "state")
    assert _left() == ""
    journal = journals.new_journal(tmp_path / "state")
    journal.keep(Final(0, 1, (Word("hello", 0.0, 0.4, 0.9),)))
    assert _left() == ""  # it lives
    journal.close()
    assert "`asr dictate --resume`" in _left()
    assert "`asr dictate --resume`" in _left()  # another time, too: looking takes nothing away
    journal.path.write_text("[]\n")
    assert "not of a journal: delete the line" in _left()


def test_a_screen_that_would_be_drawn_into_a_file_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 0)
    with pytest.raises(ConfigError, match="draws in a terminal"):
        _check(resume=False, journal=True)
