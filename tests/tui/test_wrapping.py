"""Wrapping, and finding segments by lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.wrapping import LineIndex, wrap, wrap_lines


@given(st.lists(st.text("ab語é", min_size=1, max_size=30), max_size=30), st.integers(2, 40))
def test_lines_fit_and_hold_every_word_in_order(words: list[str], width: int) -> None:
    lines = wrap(words, width)
    assert all(cell_len(" ".join(text for _, text in line)) <= width for line in lines)
    parts = [""] * len(words)
    for line in lines:
        for index, text in line:
            parts[index] += text
    assert parts == words


def test_a_line_takes_as_many_words_as_fit() -> None:
    assert wrap(["ab", "cd", "e"], 5) == (((0, "ab"), (1, "cd")), ((2, "e"),))
    assert wrap([], 5) == ((),)


@given(st.lists(st.integers(1, 4), min_size=1), st.data())
def test_lines_are_found_after_any_change(heights: list[int], data: st.DataObject) -> None:
    index = LineIndex(heights[:1])
    for height in heights[1:]:
        index.append(height)
    changed = data.draw(st.integers(0, len(heights) - 1))
    heights[changed] = data.draw(st.integers(1, 9))
    index.resize(changed, heights[changed])
    places = [(segment, line) for segment, height in enumerate(heights) for line in range(height)]
    assert [index.locate(line) for line in range(index.height)] == places
    with pytest.raises(IndexError):
        index.locate(len(places))


def test_words_are_counted_through_line_breaks() -> None:
    assert wrap_lines([["a", "bee"], [], ["sees"]], 4) == (((0, "a"),), ((1, "bee"),), (), ((2, "sees"),))
