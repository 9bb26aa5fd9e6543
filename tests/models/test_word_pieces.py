"""Word pieces spell every word, in one way, and hang on the counts alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.word_pieces import BOUNDARY, LETTERS, OPENS, WordPieces, learn_pieces

COUNTS = {"the": 50, "then": 20, "hen": 10, "there": 8, "it's": 5, "a": 30, "banana": 4}
PIECES = learn_pieces(COUNTS, 54 + 1 + 12)
WORDS = st.text(LETTERS, min_size=1, max_size=12)


def written(numbers: list[int]) -> str:
    return "".join(PIECES.pieces[number - 1] for number in numbers)


@given(st.lists(WORDS, max_size=6))
def test_every_sentence_is_spelled_and_can_be_read_again(words: list[str]) -> None:
    numbers = PIECES.encode(" ".join(words))
    assert written(numbers).replace(OPENS, " ").split() == words
    assert BOUNDARY not in numbers
    assert sum(map(PIECES.opens, numbers)) == len(words)


@given(WORDS)
def test_nothing_is_left_to_join(word: str) -> None:
    parts = [PIECES.pieces[number - 1] for number in PIECES.encode(word)]
    assert not {a + b for a, b in pairwise(parts)} & set(PIECES.pieces)


def test_the_commonest_words_are_pieces() -> None:
    assert len(PIECES) == 67
    assert PIECES.pieces[54] == "he"  # in the, then, hen, there: 88 times
    assert [len(PIECES.encode(word)) for word in ("the", "then", "the then the")] == [1, 1, 3]
    assert len(PIECES.encode("zebra")) == 5


def test_the_order_of_the_counts_does_not_matter() -> None:
    assert learn_pieces(dict(reversed(COUNTS.items())), 67).pieces == PIECES.pieces


def test_repeated_letters_are_joined_from_the_left() -> None:
    pieces = learn_pieces({"baaaa": 9}, 54 + 1 + 1)
    assert [pieces.pieces[number - 1] for number in pieces.encode("baaaa")] == [OPENS + "b", "aa", "aa"]


def test_learning_ends_where_all_words_are_pieces() -> None:
    assert len(learn_pieces({"ab": 1}, 1000)) == 56


def test_a_piece_that_two_pairs_make_is_one_piece() -> None:
    learnt = learn_pieces({"xabc": 9, "yabc": 9, "zabc": 2, "zabd": 99, "xbc": 70}, 80).pieces
    assert len(learnt) == len(set(learnt))


def test_other_characters_are_told() -> None:
    with pytest.raises(ValueError, match="'café' has a character that is none of"):
        PIECES.encode("a café")
    with pytest.raises(ValueError, match="'naïve' has a character"):
        learn_pieces({"naïve": 3}, 100)
    with pytest.raises(ValueError, match="too few: choose more than 55"):
        learn_pieces(COUNTS, 55)
    with pytest.raises(ValueError, match="lack '▁q'"):
        WordPieces([piece for piece in PIECES.pieces if piece != "▁q"])
