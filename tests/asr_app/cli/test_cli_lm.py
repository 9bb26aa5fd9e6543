"""`asr lm`: a model of one's own texts is built, told of and made smaller; what goes wrong is one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Asr = Callable[..., Any]

SENTENCES = ["The cat saw the dog.", "A dog saw 2 cats at night.", "My sister mends the net.", "Nobody saw the cat."]
TEXT = "\n\n".join(SENTENCES * 3 + ["The dog mends nothing."])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.md"
    path.write_text(TEXT)
    return path


@pytest.fixture
def model(asr: Asr, notes: Path, tmp_path: Path) -> Path:
    path = tmp_path / "personal.arpa"
    assert asr("lm", "build", notes, "--output", path).code == 0
    return path


def test_a_model_of_notes_is_built_and_told_of(asr: Asr, model: Path, notes: Path) -> None:
    done = asr("lm", "info", model, "--text", notes)
    assert (done.code, done.err) == (0, "")
    assert "ARPA text" in done.out
    assert "3-grams" in done.out
    assert "0.00 % of" in done.out


def test_it_is_made_smaller(asr: Asr, model: Path, tmp_path: Path) -> None:
    smaller = tmp_path / "new" / "smaller.arpa"
    for arguments in (["--threshold", "1e-2"], ["--size", str(0.8 * model.stat().st_size / 1e6)]):
        done = asr("lm", "prune", model, "--output", smaller, *arguments)
        assert (done.code, done.err) == (0, "")
        assert smaller.stat().st_size < model.stat().st_size
        assert asr("lm", "info", smaller).code == 0


def test_words_that_do_not_fit_are_told(asr: Asr, model: Path) -> None:
    model.write_text(model.read_text().replace("cat", "Cat"))
    assert "have capitals, such as 'Cat'" in asr("lm", "info", model).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "{notes}", "{notes}.toml", "--output", "{out}"], "--data"),
        (["build", "a.toml", "--output", "{out}"], "--data"),
        (["build", "{notes}", "--data", ".", "--output", "{out}"], "--data"),
        (["build", "{empty}", "--output", "{out}"], "only 0 words"),
        (["build", "{model}x", "--output", "{out}"], "No such file"),
        (["prune", "{model}", "--output", "{out}"], "either --threshold or --size"),
        (["prune", "{model}", "--output", "{out}", "--size", "1", "--threshold", "1"], "either --threshold or --size"),
        (["prune", "{model}", "--output", "{out}", "--size", "0.0001"], "allow more"),
        (["prune", "{model}", "--output", "{out}", "--size", "nan"], "prune less"),
        (["prune", "{model}", "--output", "{out}", "--threshold", "-1"], "above 0"),
        (["prune", "{notes}", "--output", "{out}", "--size", "1"], "not ARPA text"),
        (["prune", "{cut}", "--output", "{out}", "--size", "1"], "cut in the middle"),
        (["info", "{model}", "--text", "{empty}"], "no words"),
    ],
)
def test_a_wrong_build_or_prune(asr: Asr, model: Path, notes: Path, arguments: list[str], message: str) -> None:
    out, empty, cut = (notes.with_name(name) for name in ("out.arpa", "empty.txt", "cut.arpa"))
    empty.touch()
    cut.write_bytes(model.read_bytes()[:500])
    done = asr("lm", *(text.format(notes=notes, model=model, out=out, empty=empty, cut=cut) for text in arguments))
    assert done.code == 2
    assert message in done.complaint
    assert not out.exists()


@pytest.mark.parametrize("command", [["build"], ["prune", "--size", "1"], ["lexicon"]])
def test_nothing_is_overwritten_by_what_is_made_of_it(asr: Asr, notes: Path, command: list[str]) -> None:
    done = asr("lm", *command, notes, "--output", notes.parent / "." / notes.name)
    assert done.code == 2
    assert "name another --output" in done.complaint
    assert notes.read_text() == TEXT


def test_any_size_above_that_of_the_model_leaves_it_whole(asr: Asr, model: Path, tmp_path: Path) -> None:
    assert asr("lm", "prune", model, "--output", tmp_path / "same.arpa", "--size", "inf").code == 0
    assert asr("lm", "info", tmp_path / "same.arpa").out == asr("lm", "info", model).out


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b"a text", "not a whole"), (b"\\data\\\nngram 1=4\n", "cut in the middle"), (None, "no such")],
)
def test_what_is_no_model(asr: Asr, tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "model.arpa"
    if content is not None:
        path.write_bytes(content)
    done = asr("lm", "info", path)
    assert done.code == 5
    assert message in done.complaint
