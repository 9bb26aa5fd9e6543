import json
import lzma
from pathlib import Path

import pytest

from models.recipes.data import sentences
from models.recipes.data.sentences import held_back, plain_sentences, runs

WORDS = {"good", "day", "to", "you", "it's", "late", "seven", "thirty"}


def pack(path: Path, *lines: str) -> Path:
    path.write_bytes(lzma.compress("".join(line + "\n" for line in lines).encode()))
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """One sentence of every split."""
    texts = {"train": "to you", "dev": "good day", "test": "it's late to you good day it's late", "unlabelled": None}
    lines = [{"audio": "a.wav", "text": text, "duration": 1, "split": split} for split, text in texts.items()]
    path = tmp_path / "manifest.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_sentences_are_normalised_and_of_known_words(tmp_path: Path) -> None:
    lines = ("Good day to you!", "Good grief.", "It's late", "Day 7", "7:30 to you", "Good", "a (b) c", "")
    path = pack(tmp_path / "a.txt.xz", *lines, " ".join(["good"] * 26))
    found = list(plain_sentences(path, WORDS))
    assert found == ["good day to you", "it's late", "day seven", "seven thirty to you", "good"]


def test_runs_are_of_six_words() -> None:
    assert runs("a b c") == {("a", "b", "c")}
    assert runs("a b c d e f g") == {tuple("abcdef"), tuple("bcdefg")}


def test_only_dev_and_test_are_held_back(manifest: Path) -> None:
    assert ("good", "day") in held_back([manifest])
    assert ("late", "to", "you", "good", "day", "it's") in held_back([manifest])
    assert ("to", "you") not in held_back([manifest])


def test_the_command_draws_a_share_of_every_text(
    tmp_path: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "you good day it's late to you good day you"  # shares six words with a test sentence
    pack(tmp_path / "a.txt.xz", "Good day.", "late day", "late day", "to you", "day to day", long)
    pack(tmp_path / "b.txt.xz", "it's late", "to you")
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    monkeypatch.setattr(sentences, "SHARES", {"a": 2, "b": 5})
    drawn = []
    for name in ("first", "second"):
        arguments = [str(tmp_path), "--words", str(tmp_path / "words.txt"), "--output", str(tmp_path / name)]
        monkeypatch.setattr("sys.argv", ["sentences", *arguments, "--exclude", str(manifest)])
        sentences.main()
        drawn.append((tmp_path / name).read_text().splitlines())
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == len(set(drawn[0])) >= 3
    assert set(drawn[0]) <= {"late day", "to you", "it's late", "day to day"}
    assert {"it's late", "to you"} <= set(drawn[0])
