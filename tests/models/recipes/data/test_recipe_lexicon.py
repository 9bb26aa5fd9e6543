import gzip
from pathlib import Path

import pytest

from models.recipes.data import lexicon as module
from models.recipes.data.lexicon import read_words, write_lexicon


def test_words_are_first_fields_plain_or_packed(tmp_path: Path) -> None:
    text = "the 120\ncat\n\nnaïve 3 x\n"
    (tmp_path / "words.txt").write_text(text, encoding="utf-8")
    (tmp_path / "words.txt.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("words.txt", "words.txt.gz"):
        assert read_words(tmp_path / name) == ["the", "cat", "naïve"]


def test_a_lexicon_is_a_packed_table_that_is_always_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"the": (("ð", "ə"), ("ð", "iː")), "cat": (("k", "æ", "t"),), "xq": ()}
    monkeypatch.setattr(module, "lexicon", lambda words: {word: said[word] for word in words})
    (tmp_path / "words.txt").write_text("the\ncat\nxq\n")
    for name in ("first.gz", "second.gz"):
        assert write_lexicon(tmp_path / "words.txt", tmp_path / name) == (2, 1)
    packed = (tmp_path / "first.gz").read_bytes()
    assert packed == (tmp_path / "second.gz").read_bytes()
    assert gzip.decompress(packed).decode() == "the\tð ə\nthe\tð iː\ncat\tk æ t\n"
