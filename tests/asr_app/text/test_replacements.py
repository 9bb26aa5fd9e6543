from pathlib import Path

import pytest

from asr_app.errors import ConfigError, OutputError
from asr_app.text.replacements import Replacements, checked, read_replacements, write_replacements
from asr_app.text.stages import Token, text_of, tokens_of

TEXTS = {
    "my address": "12 Main Street\nSpringfield",
    "my address at work": "1 Plaza",
    "btw": "by the way",
    "smiley": "🙂",
}


def replaced(text: str) -> str:
    return text_of(Replacements(TEXTS).apply(tokens_of(text.split())))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("send it to my address please", "send it to 12 Main Street\nSpringfield please"),
        ("my address at work", "1 Plaza"),
        ("my addresses", "my addresses"),
        ("Btw I left btw", "By the way I left by the way"),
        ("smiley my", "🙂 my"),
    ],
)
def test_the_longest_phrase_in_whole_words(text: str, expected: str) -> None:
    assert replaced(text) == expected


def test_what_is_replaced_is_locked_and_what_was_locked_stays() -> None:
    locked = Token("btw", 0, 1, locked=True)
    first, second = Replacements(TEXTS).apply((locked, Token("btw", 1, 2)))
    assert first is locked
    assert (second.text, second.start, second.end, second.locked) == ("by the way", 1, 2, False)  # may begin a sentence
    assert Replacements({"mine": "a.b@c.org"}).apply((Token("mine", 0, 1),))[0].locked


def test_a_file_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "replacements.txt"
    assert read_replacements(path) == {}
    texts = {**TEXTS, "path": "C:\\new\ttab", "nothing": ""}
    write_replacements(path, texts)
    assert read_replacements(path) == texts
    path.write_bytes("\ufeffMy  Name\tAda\r\n\r\n".encode())
    assert read_replacements(path) == {"my name": "Ada"}


def test_files_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "replacements.txt"
    for content, message in ((b"a\tb\nno tab\n", "line 2"), (b"?!\tb\n", "no words"), (b"\xff\xfe", "UTF-8")):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            read_replacements(path)
    with pytest.raises(OutputError, match="cannot be written"):
        write_replacements(path / "below", TEXTS)
    with pytest.raises(ConfigError, match="no words"):
        checked(" ", "x")


def test_a_link_to_the_replacements_stays_one_and_nobody_else_reads_them(tmp_path: Path) -> None:
    link, kept = tmp_path / "replacements.txt", tmp_path / "kept" / "replacements.txt"
    link.symlink_to(kept)
    write_replacements(link, {"my address": "1 High Street"})
    assert link.is_symlink()
    assert read_replacements(kept) == {"my address": "1 High Street"}
    assert kept.stat().st_mode & 0o777 == 0o600
