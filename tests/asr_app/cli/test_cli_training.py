"""`asr train` and `asr lm`: what recipes, data and outputs can have wrong; the recipes have tests of their own."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_app.errors import ConfigError, OutputError
from models.recipes.data.phonemes import lexicon

Asr = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file where a folder is wanted."""
    path = tmp_path / "file"
    path.touch()
    return path


@pytest.mark.parametrize("content", [None, "", "name = ", "colour = 'red'", "name = 3", "[batches]\nsize = 'big'"])
@pytest.mark.parametrize("command", [["train"], ["lm", "build"]])
def test_a_wrong_recipe(asr: Asr, tmp_path: Path, command: list[str], content: str | None) -> None:
    recipe = tmp_path / "recipe.toml"
    if content is not None:
        recipe.write_text(content)
    done = asr(*command, recipe, "--data", tmp_path, "--output", tmp_path / "new")
    assert done.code == ConfigError.exit_code
    assert done.err.startswith("asr: ")
    assert done.err.count("\n") == 1
    assert "internal error" not in done.err


@pytest.mark.parametrize("command", [["train"], ["lm", "build"]])
def test_an_output_that_can_never_be_written(asr: Asr, tmp_path: Path, file: Path, command: list[str]) -> None:
    done = asr(*command, tmp_path / "recipe.toml", "--data", tmp_path, "--output", file / "deep" / "new")
    assert done.code == OutputError.exit_code
    assert f"{file} is not a folder" in done.complaint


def test_a_lexicon(asr: Asr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "models.recipes.data.lexicon.lexicon", lambda words: dict.fromkeys(words, (("t", "ə"),)) | {"x": ()}
    )
    (tmp_path / "words.txt").write_text("to 5\n\nthe 3\nx 1\n")
    done = asr("lm", "lexicon", tmp_path / "words.txt", "--output", tmp_path / "lexicon.txt.gz")
    assert (done.code, done.err) == (0, "")
    assert done.out == "2 words, 1 that cannot be pronounced left out\n"
    assert gzip.decompress((tmp_path / "lexicon.txt.gz").read_bytes()).decode() == "to\tt ə\nthe\tt ə\n"


def test_a_lexicon_without_espeak(asr: Asr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="apt-get install espeak-ng"):
        lexicon(["word"])
    (tmp_path / "words.txt").write_text("word\n")
    done = asr("lm", "lexicon", tmp_path / "words.txt", "--output", tmp_path / "lexicon.txt.gz")
    assert done.code == ConfigError.exit_code
    assert "apt-get install espeak-ng" in done.complaint


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"\x1f\x8b\x08\0"])
def test_words_that_cannot_be_read(asr: Asr, tmp_path: Path, content: bytes | None) -> None:
    words = tmp_path / "words.txt.gz"
    if content is not None:
        words.write_bytes(content)
    done = asr("lm", "lexicon", words, "--output", tmp_path / "lexicon.txt.gz")
    assert done.code == ConfigError.exit_code
    assert done.err.count("\n") == 1


def test_a_lexicon_that_can_never_be_written(asr: Asr, tmp_path: Path) -> None:
    done = asr("lm", "lexicon", tmp_path / "words.txt", "--output", tmp_path)
    assert done.code == OutputError.exit_code
    assert "is a folder: name a file in it" in done.complaint


@pytest.mark.parametrize(("start", "message"), [((), "name its folder with --start"), (("--start", "x"), "x is not a")])
def test_a_network_to_fine_tune_that_is_not_there(
    asr: Asr, tmp_path: Path, start: tuple[str, ...], message: str
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "a"\nseed = 1\n[recordings]\nmanifests = []\n')
    done = asr("train", recipe, "--data", tmp_path, "--output", tmp_path / "new", *start)
    assert done.code == ConfigError.exit_code
    assert message in done.err
