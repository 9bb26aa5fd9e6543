import lzma
from pathlib import Path

import pytest

from models.recipes import sentences
from models.recipes.sentences import plain_sentences

WORDS = {"good", "day", "to", "you", "it's", "late"}


def pack(path: Path, *lines: str) -> Path:
    path.write_bytes(lzma.compress("".join(line + "\n" for line in lines).encode()))
    return path


def test_sentences_are_normalised_and_of_known_words(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.txt.xz", "Good day to you!", "Good grief.", "It's late", "Day 7", "Good", "a (b) c", "")
    assert list(plain_sentences(path, WORDS)) == ["good day to you", "it's late"]


def test_the_command_draws_a_share_of_every_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path / "a.txt.xz", "good day", "late day", "to you")
    pack(tmp_path / "b.txt.xz", "it's late")
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    monkeypatch.setattr(sentences, "SHARES", {"a": 2, "b": 5})
    drawn = []
    for name in ("first", "second"):
        arguments = [str(tmp_path), "--words", str(tmp_path / "words.txt"), "--output", str(tmp_path / name)]
        monkeypatch.setattr("sys.argv", ["sentences", *arguments])
        sentences.main()
        drawn.append((tmp_path / name).read_text().splitlines())
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 3
    assert set(drawn[0]) <= {"good day", "late day", "to you", "it's late"}
    assert "it's late" in drawn[0]
