import shutil
from pathlib import Path

import pytest

from decoder.arpa import read_arpa
from decoder.lm import NgramLM
from decoder.personal_lm import MIN_WORDS, build_personal_model, describe

TEXT = (Path(__file__).parent / "lmplz" / "text.txt").read_text().replace("\n", ".\n\n")


@pytest.fixture
def notes(tmp_path: Path) -> list[Path]:
    first, second = tmp_path / "first.txt", tmp_path / "second.md"
    first.write_text(TEXT)
    second.write_text("# Plans\n\nThe old sailor paid $20 for seven lamps.\n\nOdd ² one.\n")
    return [first, second]


@pytest.fixture
def without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)


@pytest.mark.usefixtures("without_tools")
def test_a_model_of_notes_without_any_tool(notes, tmp_path):
    output = tmp_path / "new" / "personal.arpa"
    build = build_personal_model(notes, output)
    assert (build.sentences, build.unreadable) == (172, 1)
    assert build.ngrams[0] == len(read_arpa(output).vocabulary)
    lm = NgramLM(output)
    assert lm.order == len(build.ngrams) == 3
    assert lm.known("dollars")
    assert not lm.known("Plans")
    assert [path.name for path in output.parent.iterdir()] == ["personal.arpa"]
    assert "without a certain reading" in describe(build)
    assert "too little text" in describe(build)


@pytest.mark.skipif(shutil.which("lmplz") is None, reason="KenLM's lmplz is not on the PATH (scripts/build-kenlm)")
def test_lmplz_is_used_where_it_is_and_gives_the_same(notes, tmp_path, monkeypatch):
    build = build_personal_model(notes, tmp_path / "lmplz" / "personal.arpa")
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    other = build_personal_model(notes, tmp_path / "own" / "personal.arpa")
    assert "lmplz" in build.estimator
    assert build.ngrams == other.ngrams
    assert [path.name for path in build.output.parent.iterdir()] == ["personal.arpa"]
    one, two = (NgramLM(built.output) for built in (build, other))
    words = read_arpa(build.output).vocabulary
    assert one.unigrams(words) == pytest.approx(two.unigrams(words), abs=1e-4)


def test_tools_that_are_asked_for_must_be_there(notes, tmp_path):
    with pytest.raises(FileNotFoundError, match="scripts/build-kenlm"):
        build_personal_model(notes, tmp_path / "out.arpa", tools=tmp_path)


@pytest.mark.parametrize("text", ["", "\n\n", "??? ...", "Only a few words.", "日本語 のテキスト " * 50])
def test_too_little_text(tmp_path, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"give at least {MIN_WORDS} words") as caught:
        build_personal_model([path], tmp_path / "out.arpa")
    assert str(path) in str(caught.value)
    assert not (tmp_path / "out.arpa").exists()
