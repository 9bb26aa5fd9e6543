from pathlib import Path

import pytest

from asr_app.errors import ConfigError, OutputError
from asr_app.words.vocabulary import Entry, merged, parse_hotword, read_entries, read_vocabulary, write_vocabulary

ENTRIES = (
    Entry("Nguyễn", "new-win", 4.5),
    Entry("New York"),
    Entry("O'Brien", weight=2.0),
    Entry("IBM", sounds_like="eye-bee-em"),
)


def test_entries_are_kept_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "of" / "mine" / "vocabulary.txt"
    assert read_vocabulary(path) == ()
    write_vocabulary(path, ENTRIES)
    assert read_vocabulary(path) == ENTRIES
    assert [entry.text for entry in ENTRIES] == ["nguyen", "new york", "o'brien", "ibm"]
    assert [file.name for file in path.parent.iterdir()] == ["vocabulary.txt"]


def test_a_file_made_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffKubernetes\r\n\r\n Nguyen \t new-win\r\nNumPy\t\t3\r\n".encode())
    assert read_entries(path) == (Entry("Kubernetes"), Entry("Nguyen", "new-win"), Entry("NumPy", None, 3.0))


def test_an_entry_is_one_line_whatever_white_space_it_was_given_with(tmp_path: Path) -> None:
    entries = (Entry(" New\tYork\n", "new\t yawk"), Entry("two\u2028lines"))
    write_vocabulary(tmp_path / "vocabulary.txt", entries)
    assert read_vocabulary(tmp_path / "vocabulary.txt") == entries
    assert [entry.line for entry in entries] == ["New York\tnew yawk", "two lines"]


def test_the_last_of_entries_with_the_same_text_holds() -> None:
    assert merged([Entry("ada"), Entry("bob")], [Entry("Ada", weight=2.0)]) == (Entry("Ada", weight=2.0), Entry("bob"))


def test_what_the_last_entry_leaves_open_stays_as_it_was() -> None:
    known, again, heavier = Entry("ada", "eye-da", 3.0), Entry("Ada"), Entry("Ada", weight=2.0)
    assert merged([known], [again], [heavier]) == (Entry("Ada", "eye-da", 2.0),)


def test_hotwords_of_the_command_line() -> None:
    assert parse_hotword("Philip Steels") == Entry("Philip Steels")
    assert parse_hotword("Philip Steels=8") == Entry("Philip Steels", weight=8.0)


@pytest.mark.parametrize("wrong", ["Ada=heavy", "Ada=0", "Ada=-1", "Ada=nan", "=3", "", "東京", "C++=2"])
def test_a_wrong_hotword_is_named(wrong: str) -> None:
    with pytest.raises(ConfigError, match=repr(wrong.partition("=")[0]).replace("+", r"\+")):
        parse_hotword(wrong)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("東京", "'東京' cannot be spelled"),
        ("New York\tnewyork", "have not as many words"),
        ("Nguyen\tnüwin", "sounds like 'nüwin'"),
        ("Nguyen\tnew-", "sounds like 'new-'"),
        ("Nguyen\t-", "sounds like '-'"),
        ("Ada\tada\theavy", "'heavy' of 'Ada'"),
        ("a\tb\t1\tc", "4 columns"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "names.txt"
    path.write_text(f"Bob\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"names.txt, line 2: .*{message}"):
        read_entries(path)


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00\xfe")
    for name in ("none", "binary", "."):
        with pytest.raises(ConfigError):
            read_entries(tmp_path / name)
    with pytest.raises(OutputError, match="ASR_VOCABULARY"):
        write_vocabulary(tmp_path / "binary" / "vocabulary.txt", ENTRIES)


def test_a_link_to_the_vocabulary_stays_one(tmp_path: Path) -> None:
    """As those have it who keep their settings in a folder of their own."""
    link = tmp_path / "vocabulary.txt"
    link.symlink_to(tmp_path / "kept" / "words.txt")
    write_vocabulary(link, [Entry("Nguyen")])
    assert link.is_symlink()
    assert read_vocabulary(tmp_path / "kept" / "words.txt") == (Entry("Nguyen"),)


def test_words_stay_between_their_user_and_the_program(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    write_vocabulary(path, ENTRIES)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_vocabulary_that_cannot_be_looked_for_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="File name too long"):
        read_vocabulary(tmp_path / ("x" * 300))
