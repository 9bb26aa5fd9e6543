"""Number words are read as decoder.number_words says them."""

from hypothesis import given
from hypothesis import strategies as st

from asr_app.text.itn import numbers
from decoder import number_words


@given(st.integers(0, number_words.LARGEST))
def test_cardinals(value: int) -> None:
    words = number_words.cardinal(value).split()
    assert numbers.cardinal([*words, "of"], 0) == (value, len(words))


@given(st.integers(1, 999_999))
def test_ordinals(value: int) -> None:
    words = number_words.ordinal(value).split()
    assert numbers.ordinal([*words, "of"], 0) == (value, len(words))


@given(st.integers(1010, 2099))
def test_years(value: int) -> None:
    words = number_words.year(value).split()
    assert numbers.year([*words, "of"], 0) == (value, len(words))


def test_digits_one_by_one() -> None:
    assert numbers.digit_run(["double", "four", "oh", "triple", "seven", "and"], 0) == ("440777", 5)
    assert numbers.digit_run(["double", "trouble"], 0) == ("", 0)
