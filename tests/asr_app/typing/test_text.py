import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_app.typing.text import between, typeable


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("plain words", "plain words"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("tab\there", "tab here"),
        ("\x1b[31mred\x07\x00\x7f", "[31mred"),
        ("abc\u202edef\ufeff\u00ad", "abcdef"),
        ("e\u0301", "é"),
        ("نمی\u200cخواهم 👨\u200d👩", "نمی\u200cخواهم 👨\u200d👩"),
        ("\ud800\ue000", ""),
    ],
)
def test_only_what_keys_can_give(text: str, typed: str) -> None:
    assert typeable(text) == typed


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    typed = typeable(text)
    assert {unicodedata.category(one) for one in typed if one not in "\n\u200c\u200d"}.isdisjoint({"Cc", "Cf", "Cs"})
    assert typeable(typed) == typed


@pytest.mark.parametrize(
    ("before", "after", "space"),
    [
        ("", "first", ""),
        ("one", "two", " "),
        ("one", ", two", ""),
        ("one", ".", ""),
        ("one\n", "two", ""),
        ("one", "\ntwo", ""),
        ("(", "two", ""),
        ("it.", "(so)", " "),
        ("he said", "“two", " "),
        ("he said “", "two", ""),
        ("sie sagt", "„zwei", " "),
        ("sie sagt „", "zwei", ""),
        ("sie sagt „ich komme", "“", ""),
        ("sie sagt „ich komme“", "(siehe", " "),
    ],
)
def test_the_space_between(before: str, after: str, space: str) -> None:
    assert between(before, after) == space
