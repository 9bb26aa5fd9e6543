import shutil
import subprocess

import pytest

from decoder.lm_info import describe, inspect, misfits


def test_an_arpa_file(tiny_arpa, tiny_words):
    info = inspect(tiny_arpa)
    assert (info.form, info.ngrams, info.has_unknown) == ("ARPA text", (9, 7, 3), True)
    assert info.words == tiny_words
    assert info.size_bytes == tiny_arpa.stat().st_size
    assert "3-grams      3" in describe(info)


@pytest.mark.skipif(shutil.which("build_binary") is None, reason="KenLM's build_binary is not on the PATH")
@pytest.mark.parametrize(
    ("kind", "form"), [(["probing"], "probing"), (["trie"], "trie"), (["-q", "8", "-b", "7", "trie"], "quantised trie")]
)
def test_a_binary_tells_the_same(tiny_arpa, tiny_words, tmp_path, kind, form):
    path = tmp_path / "tiny.bin"
    subprocess.run(["build_binary", *kind, tiny_arpa, path], check=True, capture_output=True)
    info = inspect(path)
    assert form in info.form
    assert info.ngrams == (9, 7, 3)
    assert sorted(info.words or ()) == sorted(tiny_words)


def test_a_binary_of_another_version(tmp_path):
    path = tmp_path / "old.bin"
    path.write_bytes(b"mmap lm http://kheafield.com/code format version 4\n\0" + bytes(100))
    with pytest.raises(ValueError, match="format 5"):
        inspect(path)


def test_words_that_are_never_recognised():
    capitals, foreign = misfits(["hello", "Monday", "PARIS", "42", "don't", "дом"])
    assert "2 of 6 words have capitals, such as 'Monday'" in capitals
    assert "2 of 6 words have characters other than a-z and ', such as '42'" in foreign
    assert misfits(["hello", "don't"]) == []
