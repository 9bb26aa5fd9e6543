"""Written finals: times survive, every change can be seen and undone."""

from collections.abc import Callable

from asr_app.events import Final, Written, from_json, to_json
from asr_app.text.command_file import read_commands
from asr_app.text.commands import Commands
from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.realign import realigned
from asr_app.text.rewriting import Rewriting
from asr_app.text.stages import Token, Tokens, check_spans, text_of, tokens_of
from asr_app.text.written import as_recognised, changes, without, written
from decoder.types import Word

Said = Callable[..., Final]
SPOKEN = "pay twenty dollars comma all caps now new line bye"


def made(final: Final) -> Written:
    tokens = Commands(read_commands("en")).apply(tokens_of(word.text for word in final.words))
    return written(final, Rewriting(RuleRewriter()).apply(tokens))


def test_a_final_with_its_written_form(final: Said) -> None:
    text = made(final(SPOKEN))
    assert text.text == "pay $20, NOW\nbye"
    assert (text.segment_id, text.revision, text.action, text.note) == (0, 4, "", "")
    assert " ".join(word.text for word in text.raw) == SPOKEN
    assert [(w.text, w.start_s, w.end_s) for w in text.words] == [
        ("pay", 0.0, 0.5),
        ("$20,", 0.5, 2.0),
        ("NOW", 2.0, 3.5),
        ("bye", 4.5, 5.0),
    ]


def test_changes_can_be_seen_and_undone(final: Said) -> None:
    text = made(final(SPOKEN))
    seen = [(change.spoken, change.written, change.stage) for change in changes(text)]
    assert seen == [
        ("twenty dollars", "$20", "numbers"),
        ("comma", ",", "commands"),
        ("all caps now", "NOW", "commands"),
        ("new line", "\n", "commands"),
    ]
    money = changes(text)[0]
    once = without(text, money)
    assert (once.text, once.revision) == ("pay twenty dollars, NOW\nbye", 5)
    while changes(once):
        once = without(once, changes(once)[0])
    assert once.text.split() == SPOKEN.split()
    assert as_recognised(text) == Final(0, 5, final(SPOKEN).words)


def test_what_is_taken_back_keeps_its_place() -> None:
    tokens = (Token("“", 0, 2, True, True), Token("John", 2, 3, False), Token("”", 3, 5, False, True))
    words = tuple(Word(word, at, at + 1, 1.0) for at, word in enumerate(["open", "quote", "john", "close", "quote"]))
    text = written(Final(0, 0, words), tokens)
    assert [without(text, change).text for change in changes(text)] == [
        "open quote John”",
        "“john”",
        "“John close quote",
    ]


def test_what_a_program_changed_is_one_change() -> None:
    tokens = realigned(tokens_of(["go", "to", "my", "address", "please"]), "go to 12 Main Street,\nBath please", "hook")
    assert [(token.text, token.start, token.end) for token in tokens if token.stage] == [
        ("12 Main Street,\nBath", 2, 4)
    ]


def test_a_text_of_several_words_shares_the_time_of_what_was_said(final: Said) -> None:
    said = final("my address")
    text = written(said, realigned(tokens_of(["my", "address"]), "12 Main Street", "hook"))
    assert text.text == "12 Main Street"
    assert text.words[0].start_s == 0.0
    assert text.words[-1].end_s == 1.0


def aligned(old: str, new: str) -> Tokens:
    tokens = realigned(tokens_of(old.split()), new, "hook")
    check_spans(tokens, len(old.split()))
    assert text_of(tokens).split() == new.split()
    return tokens


def test_a_rewritten_text_keeps_what_it_has_in_common() -> None:
    tokens = aligned("one two three four", "one zwei drei\nthree plus")
    assert [(t.text, t.start, t.end) for t in tokens if not t.stage] == [("one", 0, 1), ("three", 2, 3)]
    assert "\n" in text_of(tokens)
    aligned("a b c", "")
    aligned("a b c", "x a b c y")
    aligned("", "something")


def test_no_words() -> None:
    empty = written(Final(1, 0, ()), ())
    assert (empty.text, empty.words) == ("", ())


def test_json(final: Said) -> None:
    text = made(final(SPOKEN))
    assert from_json(to_json(text)) == text
