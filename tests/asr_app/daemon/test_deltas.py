"""The text that a client was told: each word once, in the order in which they were said."""

from asr_app.daemon.deltas import Deltas
from asr_app.events import Final, Partial
from decoder.types import Word


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(word, 0.0, 1.0, 0.9) for word in text.split())


def test_words_that_may_change_are_not_told() -> None:
    deltas = Deltas()
    assert deltas.of(Partial(0, 1, words("turn on"), 1)) == "turn"
    assert deltas.of(Partial(0, 2, words("turn off the"), 1)) == ""
    assert deltas.of(Partial(0, 3, words("turn off the lamp"), 3)) == " off the"
    assert deltas.of(Final(0, 4, words("turn off the lamp"))) == " lamp"
    assert deltas.of(Final(1, 1, words("now"))) == " now"


def test_a_segment_waits_for_the_final_of_the_one_before() -> None:
    deltas = Deltas()
    assert deltas.of(Partial(0, 1, words("turn on the"), 2)) == "turn on"
    assert deltas.of(Partial(1, 1, words("and then"), 2)) == ""
    assert deltas.of(Final(0, 2, words("turn on the lamp"))) == " the lamp"
    assert deltas.of(Partial(1, 2, words("and then off"), 3)) == " and then off"
    assert deltas.of(Final(1, 3, words("and then off"))) == ""
