import lzma
from pathlib import Path

import pytest

from models.recipes.texts.text_data import Labelled, Span, edited, parts_of, said, sentences, split_of, written
from models.tagger import CASES, MARKS, SPANS


def shown(labelled: list[Labelled]) -> str:
    """Words with their labels put back."""
    cases = {"lower": str, "capital": str.capitalize, "upper": str.upper}
    return " ".join(cases[CASES[one.case]](one.word) + MARKS[one.mark] for one in labelled)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Well, I don't know.", "Well, I don't know."),
        ("Is it Anna's?", "Is it Anna's?"),
        ("Stop! He said: run;", "Stop. He said, run,"),
        ("He was—so they say—late.", "He was, so they say, late."),
        ("A well-known man", "A well known man"),
        ("“Come in,” she said.", "Come in, she said."),
        ("It was NATO, not OK.", "It was NATO, not okay."),
    ],
)
def test_marks_and_case_are_those_of_the_text(line: str, expected: str) -> None:
    parts = parts_of(line)
    assert parts is not None
    assert shown(list(said(parts))) == expected


@pytest.mark.parametrize(
    ("line", "span"),
    [
        ("It cost $23.05, he said.", Span("twenty three dollars and five cents", "$23.05", 1)),
        ("Mr. Smith was here.", Span("mister", "Mr.", 0)),
        ("On March 3, 1999, it rained.", Span("march third nineteen ninety nine", "March 3, 1999", 1)),
        ("We met at 3:30pm today.", Span("three thirty p m", "3:30 p.m.", 0)),
        ("About 5 million people came.", Span("five", "5", 0)),
        ("The U.S. won.", Span("u s", "U.S.", 0)),
    ],
)
def test_what_is_written_otherwise_is_a_span(line: str, span: Span) -> None:
    parts = parts_of(line)
    assert parts is not None
    assert [part for part in parts if isinstance(part, Span)] == [span]
    spoken = list(said(parts))
    words = [one.word for one in spoken if SPANS[one.span] != "outside"]
    assert " ".join(words) == span.spoken
    assert [SPANS[one.span] for one in spoken].count("begins") == 1
    assert span.written in " ".join(one.word + ("," if one.mark == 1 else "") for one in written(parts)) + ","


@pytest.mark.parametrize("line", ["Look (there).", "Naïve café.", "a@b.com is mine.", "Wait..."])
def test_uncertain_lines_are_left_out(line: str) -> None:
    assert parts_of(line) is None


def test_chat_without_capitals_or_marks_is_not_edited_text() -> None:
    assert edited("How are you?")
    assert not edited("how are you?")
    assert not edited("How are you")
    assert not edited("Yes and i am.")


def test_splits_share_no_line(tmp_path: Path) -> None:
    path = tmp_path / "text.txt.xz"
    names = [f"{first}{second}{third}" for first in "bcdfg" for second in "aeiou" for third in "bcdfghklmn"] * 11
    lines = [f"Line {name} {place % 7 * 'x'}y{'z' * (place // 250)}." for place, name in enumerate(names)]
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    found = {
        split: {tuple(one.word for one in said(parts)) for parts in sentences(path, split, 10**6, 1)}
        for split in ("train", "dev", "test")
    }
    assert len(found["train"]) > 2000
    assert [split_of(block) for block in (0, 25, 50, 51)] == ["test", "dev", "test", "train"]
    assert (len(found["dev"]), len(found["test"])) == (50, 100)
    assert not found["train"] & found["test"]
    assert not found["train"] & found["dev"]
