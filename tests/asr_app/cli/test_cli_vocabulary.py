"""`asr vocabulary`, and hotwords of `asr transcribe`: what is expected is heard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asr_app.words.pronunciation
from asr_app.audio.types import Samples
from asr_app.errors import ConfigError

Asr = Callable[..., Any]


LABELS = {"t": "t", "a": "ɑː", "n": "n", "s": "s"}


class Respeller:
    """In place of the pronouncer: a word is said as the whistle recogniser spells."""

    @classmethod
    def load(cls, folder: Path) -> "Respeller":
        assert (folder / "model.json").is_file()
        return cls()

    def pronounce(self, word: str) -> tuple[tuple[str, ...], ...]:
        if not set(word) <= set(LABELS):
            raise ValueError(f"{word!r} cannot be said")
        return (self.sounds_like(word),)

    def sounds_like(self, text: str) -> tuple[str, ...]:
        return tuple(LABELS[letter] for letter in text)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The vocabulary of the test's own."""
    path = tmp_path / "mine" / "vocabulary.txt"
    monkeypatch.setenv("ASR_VOCABULARY", str(path))
    monkeypatch.setattr(asr_app.words.pronunciation, "Pronouncer", Respeller)
    return path


def test_add_list_and_remove(asr: Asr) -> None:
    assert asr("vocabulary", "list").out == ""
    assert asr("vocabulary", "add", "Kubernetes", "New York").out == "2 in the vocabulary, 2 of them new\n"
    added = asr("vocabulary", "add", "Nguyen", "--sounds-like", "new-win", "--weight", "4")
    assert added.out == "3 in the vocabulary, 1 of them new\n"
    assert asr("vocabulary", "add", "kubernetes", "--weight", "9").out == "3 in the vocabulary, 0 of them new\n"
    assert asr("vocabulary", "list").out == "kubernetes\t\t9\nNew York\nNguyen\tnew-win\t4\n"
    assert asr("vocabulary", "remove", "new york", "Kubernetes").code == 0
    assert asr("vocabulary", "list").out == "Nguyen\tnew-win\t4\n"


def test_import(asr: Asr, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Ada\nNguyen\tnew-win\n")
    assert asr("vocabulary", "import", names).code == 0
    assert asr("vocabulary", "list").out == names.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "東京"], "cannot be spelled"),
        (["add", "Ada", "--weight", "0"], "above 0"),
        (["add", "Ada", "Bob", "--sounds-like", "x"], "one word or phrase"),
        (["remove", "Ada"], "is not in your vocabulary"),
        (["import", "no such file"], "there is no such file"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_written(asr: Asr, file: Path, arguments: list[str], message: str) -> None:
    done = asr("vocabulary", *arguments)
    assert (done.code, done.out) == (ConfigError.exit_code, "")
    assert message in done.complaint
    assert not file.exists()


@pytest.fixture
def talk(store: Callable[..., Path], whistle: Callable[..., Samples]) -> Path:
    """A recording of a word that the lexicon lacks."""
    return store("talk.wav", whistle("_nana_tan_"))


def test_personal_words_are_heard(asr: Asr, model_folder: Path, talk: Path) -> None:
    before = asr("transcribe", "--vad", "sound", "--model", model_folder, talk).out
    assert "nana" not in before
    asr("vocabulary", "add", "Nana")
    assert asr("transcribe", "--vad", "sound", "--model", model_folder, talk).out == "Nana tan\n"
    assert asr("transcribe", "--vad", "sound", "--model", model_folder, "--decoder", "greedy", talk).code == 0


def test_hotwords_are_heard(asr: Asr, model_folder: Path, talk: Path, tmp_path: Path, file: Path) -> None:
    for arguments in (["--hotword", "Nana Tan=7"], ["--hotwords", tmp_path / "hotwords.txt"]):
        (tmp_path / "hotwords.txt").write_text("Mama\tnana\n" if "--hotwords" in arguments else "")
        done = asr("transcribe", "--vad", "sound", "--model", model_folder, *arguments, talk)
        assert done.out == ("Nana Tan\n" if "--hotword" in arguments else "Mama tan\n")
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hotword", "mama"], "'mama' cannot be said"),
        (["--hotword", "東京"], "cannot be spelled"),
        (["--hotwords", "no such file"], "there is no such file"),
        (["--hotword", "nana", "--decoder", "greedy"], "for the lexicon's search"),
    ],
)
def test_wrong_hotwords(asr: Asr, model_folder: Path, talk: Path, arguments: list[str], message: str) -> None:
    done = asr("transcribe", "--vad", "sound", "--model", model_folder, *arguments, talk)
    assert (done.code, done.out) == (ConfigError.exit_code, "")
    assert message in done.complaint
