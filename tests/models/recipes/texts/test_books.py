import gzip
import sys
from pathlib import Path

import pytest

from decoder.lm_text import Exclusion
from models.recipes.texts.books import Library, body, main

PROSE = "The door was open and the man in the hall looked at the letter that lay on the table before him. "
READ_ALOUD = (
    "he went to the window and looked out over the fields to the line of hills in the west where the light was going"
)


def book(text: str) -> str:
    return (
        "The Project Gutenberg EBook of a story\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK A STORY ***\r\n\r\n"
        f"CHAPTER ONE\r\n\r\n{text}\r\n\r\n*** END OF THIS PROJECT GUTENBERG EBOOK ***\r\n\r\nThe licence of the book."
    )


def library() -> Library:
    return Library(Exclusion([READ_ALOUD], 8))


def test_a_book_without_what_stands_around_it() -> None:
    assert library().read(book(f"{PROSE}“I never saw\nit before,” said he.")) == [
        "The door was open and the man in the hall looked at the letter that lay on the table before him",
        "“I never saw it before,” said he.",
    ]
    assert body("nothing around it") == "nothing around it"


def test_a_book_that_was_read_aloud_is_left_out_and_one_that_quotes_a_line_is_not() -> None:
    assert library().read(book(f"{PROSE} {READ_ALOUD}.")) == []
    assert library().read(book(f"{PROSE} {' '.join(READ_ALOUD.split()[:9])} once."))


def test_what_stands_in_two_books_is_taken_once() -> None:
    shelf = library()
    assert len(shelf.read(book(PROSE * 3))) == 1
    assert shelf.read(book(f"{PROSE} And this is new in the second book, he said to himself.")) == [
        "And this is new in the second book, he said to himself."
    ]


def test_other_languages_are_left_out() -> None:
    assert library().read(book("La porte était ouverte et l'homme dans le couloir regardait la lettre. " * 3)) == []


class KilledError(Exception):
    """Stands for a kill."""


def killed(*_: object) -> list[str]:
    raise KilledError


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").write_text(book(PROSE), encoding="utf-8")
    (tmp_path / "a" / "two.txt").write_text(book(READ_ALOUD), encoding="utf-8")
    (tmp_path / "dev.txt").write_text(f"1-2-3 {READ_ALOUD.upper()}\n", encoding="utf-8")
    output = tmp_path / "books.txt.gz"
    arguments = [str(tmp_path / "a"), "--exclude", str(tmp_path / "dev.txt"), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["books", *arguments])
    with monkeypatch.context() as patch:
        patch.setattr(Library, "read", killed)
        with pytest.raises(KilledError):
            main()
    assert not output.exists()
    main()
    assert gzip.decompress(output.read_bytes()).decode().strip() == PROSE.strip()
    assert "1 of 2 books" in capsys.readouterr().err
