"""Written text in streams of events, as the settings want it."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from asr_app.config import load_settings
from asr_app.errors import CheckpointError, ConfigError
from asr_app.events import Event, Final, Partial, SpeechEnded, Written
from asr_app.live.event_queue import EventQueue
from asr_app.text import beside, writing
from asr_app.text.beside import TAGGER, WRITER, load_text_models, text_models_of
from asr_app.text.postprocess import WritingOptions, load_pipeline, unwritten
from asr_app.text.writing import Writing, load_writing, with_written
from decoder.types import Word


def said(text: str, segment_id: int = 0) -> Final:
    words = tuple(Word(word, float(index), index + 1.0, 0.9) for index, word in enumerate(text.split(" ")))
    return Final(segment_id, 3, words)


class Shouts:
    """A tagger that fails when it hears the word."""

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        if "crash" in words:
            raise RuntimeError
        return [(word.upper(), "!") for word in words]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration folder."""
    monkeypatch.setenv("ASR_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("ASR_VOCABULARY", str(tmp_path / "vocabulary.txt"))
    (tmp_path / "config.toml").touch()
    return tmp_path


def write(folder: Path, text: str, dictated: bool = True) -> Written:
    return load_writing(load_settings(), folder, dictated).write(said(text))


def test_dictation_writes_numbers_and_obeys_and_a_recording_is_no_dictation(folder: Path) -> None:
    assert write(folder, "twenty dollars comma please").text == "$20, please"
    assert write(folder, "twenty dollars comma please", dictated=False).text == "$20 comma please"
    assert write(folder, "scratch that").action == "scratch"
    assert write(folder, "scratch that", dictated=False).text == "scratch that"


def test_the_settings_say_what_is_written(folder: Path) -> None:
    (folder / "replacements.txt").write_text("my boss\tAda L.\n")
    smiley = '{ phrases = ["smiley"], writes = "🙂", joins = "none" }'
    (folder / "commands.toml").write_text(f"[en]\ncommands = [{smiley}]\n")
    (folder / "config.toml").write_text(
        'numbers = "plain"\nhook = "tr A-Z a-z | sed s/owes/pays/"\nhook_shell = true\n'
    )
    assert write(folder, "my boss owes twenty thousand dollars smiley").text == "ada l. pays $20000 🙂"
    (folder / "config.toml").write_text('numbers = "off"\ncommands = ""\n')
    assert write(folder, "twenty comma scratch that").text == "twenty comma scratch that"
    (folder / "config.toml").write_text('commands = "de"\n')
    assert write(folder, "eins komma zwei").text == "eins, zwei"
    (folder / "config.toml").write_text('commands = "tlh"\n')
    with pytest.raises(ConfigError, match="no commands are known in 'tlh'"):
        write(folder, "one")


def test_text_models_lie_beside_the_recognisers_files(folder: Path) -> None:
    assert text_models_of(folder) == {}
    (folder / WRITER).mkdir()
    assert text_models_of(folder) == {}
    assert load_text_models(folder).rewriter is None
    (folder / TAGGER).mkdir()
    assert text_models_of(folder) == {TAGGER: folder / TAGGER, WRITER: folder / WRITER}
    with pytest.raises(CheckpointError, match="tagger"):
        load_writing(load_settings(), folder, dictated=True)


def test_those_that_ship_serve_other_english_recognisers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, pulled = folder / "english", folder / "wav2vec2-base-960h"
    (shipped / TAGGER).mkdir(parents=True)
    pulled.mkdir()
    monkeypatch.setattr(beside, "SHIPPED", folder)
    assert text_models_of(pulled) == {}  # a user's own folder, whatever its name
    monkeypatch.setattr(beside, "models_folder", lambda: folder)
    assert text_models_of(pulled) == {TAGGER: shipped / TAGGER}
    (pulled / TAGGER).mkdir()
    assert text_models_of(pulled) == {TAGGER: pulled / TAGGER}


def test_written_text_follows_its_final_in_the_stream_of_events() -> None:
    events: list[Event] = [Partial(0, 1, said("twen").words), said("twenty"), SpeechEnded(2.0), said("thirty", 1)]
    heard = list(with_written(events, Writing(load_pipeline(WritingOptions()).write)))
    plain = [event for event in heard if not isinstance(event, Written)]
    texts = {event.segment_id: (heard.index(event), event) for event in heard if isinstance(event, Written)}
    assert plain in (events, events[1:])  # a partial that nobody took may go
    assert {segment: event.text for segment, (_, event) in texts.items()} == {0: "20", 1: "30"}
    for segment, (place, event) in texts.items():
        assert heard.index(said(event.raw[0].text, segment)) < place


def test_a_slow_model_does_not_hold_up_events() -> None:
    release = threading.Event()

    def slow(final: Final, before: str = "") -> Written:
        release.wait(30)
        return unwritten(final, "slow")

    source = EventQueue()
    heard = with_written(source, Writing(slow))
    source.put(said("one"))
    assert next(heard) == said("one")
    source.put(SpeechEnded(1.0))
    assert next(heard) == SpeechEnded(1.0)
    release.set()
    source.close()
    (text,) = heard
    assert isinstance(text, Written)


def test_the_user_s_own_last_step_has_its_own_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "TIMEOUT_S", 0.3)
    (folder / "config.toml").write_text('hook = "sleep 1; cat"\nhook_shell = true\nhook_timeout_s = 20\n')
    *_, text = with_written([said("twenty")], load_writing(load_settings(), folder, dictated=True))
    assert isinstance(text, Written)
    assert (text.text, text.note) == ("20", "")


def test_words_in_progress_come_in_sentences_and_a_segment_says_why_they_did_not() -> None:
    partials = [Partial(number, 1, said(text).words, 4) for number, text in enumerate(["a b c d", "crash b c d"])]
    events: list[Event] = [partials[0], SpeechEnded(1.0), partials[1], said("crash b", 1), said("c d", 2)]
    heard = list(with_written(events, Writing(load_pipeline(WritingOptions()).write, Shouts())))
    assert next(event.text for event in heard if isinstance(event, Partial)) == "A! B! c d"
    first, second = (event for event in heard if isinstance(event, Written))
    assert "failed (RuntimeError): the words in progress were as recognised" in first.note
    assert (first.text, second.note) == ("crash b", "")
