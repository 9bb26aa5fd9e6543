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
    assert text_of(tokens) == "So? What\nThen, “ok.”"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("so open quote ok close quote", "So, “ok.”"),
        ("so open bracket ok close bracket", "So, (ok)."),
        ("so open bracket ok close bracket new paragraph", "So, (ok).\n\n"),
        ("so open quote ok close quote full stop", "So, “ok”."),
        ("so open bracket what close bracket then", "So, (what) then."),
    ],
)
def test_a_mark_at_the_end_stands_in_quotes_and_behind_brackets(said: str, expected: str) -> None:
    tokens = Punctuation(Shouter()).apply(dictated(said))
    assert text_of(tokens) == expected
    check_spans(tokens, len(said.split()))


class Ender:
    """A tagger that ends a sentence with each word but "and", and begins the next one with a capital."""

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        before = ["", *words]
        return [
            (word if last == "and" else word.capitalize(), "" if word == "and" else ".")
            for last, word in zip(before, words, strict=False)
        ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("so comma what full stop then", "So, what. Then."),
        ("so open bracket ok close bracket what comma then", "So. (Ok) what, then."),
        ("so comma new line then", "So,\nThen."),
    ],
)
def test_a_spoken_comma_leaves_no_capital_behind_it(said: str, expected: str) -> None:
    assert text_of(Punctuation(Ender()).apply(dictated(said))) == expected


@pytest.mark.parametrize("mark", [".", ",", ""])
def test_what_somebody_says_begins_behind_a_comma_with_a_capital(mark: str) -> None:
    tagger = Liar([("he", ""), ("said", mark), ("wait", ".")])
    comma = "" if mark else "comma"
    text = text_of(Punctuation(tagger).apply(dictated(f"he said {comma} open quote wait close quote")))
    assert text == "He said, “Wait.”"
    called = Liar([("he", ""), ("called", ""), ("wait", ".")])
    assert text_of(Punctuation(called).apply(dictated("he called open quote wait close quote"))) == "He called “wait.”"


def test_a_bracket_that_a_pause_leaves_open_ends_no_sentence() -> None:
    assert text_of(Punctuation(Ender(), "So (see it and").apply(dictated("ok"))) == "ok"
    assert text_of(Punctuation(Ender(), "So (see it) and").apply(dictated("ok"))) == "ok."
    assert text_of(Punctuation(Ender()).apply(dictated("open bracket ok"))) == "(Ok"


def test_words_cannot_be_changed() -> None:
    tags = [("Goodbye", ","), ("WORLD", ";"), ("é", "")]
    assert text_of(Punctuation(Liar(tags)).apply(tokens_of(["hello", "world", "e"]))) == "Hello, WORLD e"
    with pytest.raises(ValueError, match="3 tags of 1 words"):
        Punctuation(Liar(tags)).apply(tokens_of(["hello"]))


def test_a_full_stop_of_an_abbreviation_is_enough() -> None:
    tokens = (Token("at", 0, 1), Token("7 p.m.", 1, 4, stage="numbers"))
    assert text_of(Punctuation(Liar([("at", ""), ("7 p.m.", ".")])).apply(tokens)) == "At 7 p.m."


@pytest.mark.parametrize("address", ["john.smith@gmail.com", "www.example.org", "ftp://a"])
def test_addresses_have_no_capitals(address: str) -> None:
    token = Token(address, 0, 1, stage="numbers")
    assert text_of(Punctuation(Liar([(address.capitalize(), "")])).apply((token,))) == address


def test_locked_words_keep_their_case() -> None:
    token = Token("iPhone", 0, 1, locked=True)
    assert text_of(Punctuation(Liar([("Iphone", ".")])).apply((token,))) == "iPhone."


class Rambler:
    """A tagger that never ends a sentence, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[list[str]] = []

    def tag(self, words: Sequence[str]) -> list[tuple[str, str]]:
        self.given.append(list(words))
        return [(word, "") for word in words]


def gone_on(before: str, text: str) -> tuple[str, list[list[str]]]:
    tagger = Rambler()
    return text_of(Punctuation(tagger, before).apply(dictated(text))), tagger.given


def test_a_final_goes_on_in_the_sentence_that_the_one_before_left_open() -> None:
    assert gone_on("We left. So, then we", "went home") == ("went home", [["So", "then", "we", "went", "home"]])
    assert gone_on("He said “no.”", "went home") == ("Went home", [["went", "home"]])
    assert gone_on("we left\n", "and so") == ("And so", [["and", "so"]])
    _, [words] = gone_on("word " * 100, "home")
    assert len(words) == 33


def test_a_sentence_begins_where_the_speaker_ended_one() -> None:
    text, given_words = gone_on("", "so question mark what new line now i know and i'm off")
    assert text == "So? What\nNow I know and I'm off"
    assert given_words == [["so"], ["what"], ["now", "i", "know", "and", "i'm", "off"]]
    ends = Liar([("so", ".")])
    assert text_of(Punctuation(ends).apply(dictated("so new paragraph so"))) == "So.\n\nSo."
    assert text_of(Punctuation(ends).apply(dictated("so new line so"))) == "So\nSo."


@pytest.mark.parametrize(("said", "tag"), [("us", ("US", "")), ("co", ("co", ".")), ("iv", ("IV", ""))])
def test_what_would_be_read_otherwise_is_not_written(said: str, tag: tuple[str, str]) -> None:
    assert text_of(Punctuation(Liar([tag])).apply(tokens_of([said]))) == said.capitalize()


@given(st.lists(st.text(string.ascii_lowercase, min_size=3, max_size=5), max_size=12))
def test_punctuation_never_changes_the_word_error_rate(words: list[str]) -> None:
    tokens = Punctuation(Shouter()).apply(tokens_of(words))
    assert (normalize(text_of(tokens)) or "") == (normalize(" ".join(words)) or "")
