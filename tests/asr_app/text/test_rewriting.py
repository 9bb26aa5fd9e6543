"""Written numbers between locked tokens; marks and capitals that never change words or double what was said."""

import string
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_app.text.command_file import read_commands
from asr_app.text.commands import Commands
from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.rewriting import Punctuation, Rewriting
from asr_app.text.stages import Rewrite, Token, Tokens, check_spans, text_of, tokens_of
from decoder.normalize import normalize


class Shouter:
    """A tagger that makes sentences of two words, with a comma in each."""

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        return [(word.capitalize(), ",") if i % 2 == 0 else (word, ".") for i, word in enumerate(words)]


class Liar:
    """A tagger that would change words, marks and their number."""

    def __init__(self, tags: list[tuple[str, str]]) -> None:
        self.tags = tags

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        return self.tags


def dictated(text: str) -> Tokens:
    return Commands(read_commands("en")).apply(tokens_of(text.split()))


def test_numbers_between_locked_tokens() -> None:
    tokens = Rewriting(RuleRewriter()).apply(dictated("twenty comma five percent new line all caps two"))
    assert text_of(tokens) == "20, 5%\nTWO"
    check_spans(tokens, 9)
    assert [(token.start, token.end) for token in tokens if token.stage == "numbers"] == [(0, 1), (2, 4)]


@pytest.mark.parametrize("wrong", [Rewrite(0, 9, "x", ""), Rewrite(1, 1, "x", ""), Rewrite(0, 1, " ", "")])
def test_wrong_rewrites_are_refused(wrong: Rewrite) -> None:
    class Wrong:
        def rewrites(self, words: Sequence[str]) -> list[Rewrite]:
            return [wrong]

    with pytest.raises(ValueError, match="rewrite"):
        Rewriting(Wrong()).apply(tokens_of(["a", "b"]))


def test_marks_and_capitals() -> None:
    assert text_of(Punctuation(Shouter()).apply(tokens_of(["so", "what", "then", "ok"]))) == "So, what. Then, ok."


def test_spoken_marks_are_not_doubled() -> None:
    tokens = Punctuation(Shouter()).apply(dictated("so question mark what new line then open quote ok close quote"))
    assert text_of(tokens) == "So? What\nThen, “ok”"


def test_words_cannot_be_changed() -> None:
    tags = [("Goodbye", ","), ("WORLD", ";"), ("é", "")]
    assert text_of(Punctuation(Liar(tags)).apply(tokens_of(["hello", "world", "e"]))) == "hello, WORLD e"
    with pytest.raises(ValueError, match="3 tags of 1 words"):
        Punctuation(Liar(tags)).apply(tokens_of(["hello"]))


def test_a_full_stop_of_an_abbreviation_is_enough() -> None:
    tokens = (Token("at", 0, 1), Token("7 p.m.", 1, 4, stage="numbers"))
    assert text_of(Punctuation(Liar([("at", ""), ("7 p.m.", ".")])).apply(tokens)) == "at 7 p.m."


def test_locked_words_keep_their_case() -> None:
    token = Token("iPhone", 0, 1, locked=True)
    assert text_of(Punctuation(Liar([("Iphone", ".")])).apply((token,))) == "iPhone."


@given(st.lists(st.text(string.ascii_lowercase, min_size=3, max_size=5), max_size=12))
def test_punctuation_never_changes_the_word_error_rate(words: list[str]) -> None:
    tokens = Punctuation(Shouter()).apply(tokens_of(words))
    assert (normalize(text_of(tokens)) or "") == (normalize(" ".join(words)) or "")
