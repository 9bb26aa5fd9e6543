"""The transcript without its screen."""

import itertools

from asr_app.events import Final, Partial, Written
from asr_app.text.stages import Token
from decoder.types import Word
from tui.transcript import TranscriptDocument, edited


def said(text: str, start_s: float = 0.0) -> tuple[Word, ...]:
    return tuple(Word(word, start_s + k, start_s + k + 0.5, 0.9) for k, word in enumerate(text.split()))


def texts(document: TranscriptDocument) -> list[str]:
    return [segment.said.text for segment in document.segments]


def test_a_higher_revision_takes_the_place_of_a_lower_one_and_no_other() -> None:
    document = TranscriptDocument()
    assert document.accept(Partial(0, 2, said("a bee"), 1))
    assert document.segments[0].committed_words == 1
    assert not document.accept(Partial(0, 1, said("a")))
    assert document.accept(Final(0, 3, said("a bee sees")))
    assert not document.accept(Partial(0, 4, said("late")))
    assert document.accept(Final(0, 5, said("A bee sees.")))
    assert texts(document) == ["A bee sees."]
    assert document.segments[0].committed_words == 3


def test_a_segment_whose_final_has_no_words_goes() -> None:
    document = TranscriptDocument()
    document.accept(Partial(0, 1, said("uh")))
    assert document.accept(Final(0, 2, ()))
    assert texts(document) == []
    assert not document.accept(Final(1, 1, ()))


def test_segments_are_in_the_order_of_their_numbers() -> None:
    document = TranscriptDocument()
    for number in (0, 3, 1, 2):
        document.accept(Final(number, 1, said(f"s{number}")))
    assert texts(document) == ["s0", "s1", "s2", "s3"]
    assert [document.index_of(number) for number in range(5)] == [0, 1, 2, 3, None]


def test_no_later_revision_overwrites_an_edit() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("the male came")))
    final = document.edit(0, "the mail came")
    assert final is not None
    assert final.revision == 2
    assert not document.accept(Final(0, 9, said("the male came again")))
    assert texts(document) == ["the mail came"]
    assert document.segments[0].edited


def test_an_edit_that_leaves_nothing_takes_the_segment_away() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("uh")))
    assert document.edit(0, "  ") is None
    assert texts(document) == []
    assert document.redo() is not None
    assert texts(document) == ["uh"]


def test_words_that_stay_keep_their_times_and_new_ones_share_those_of_the_old() -> None:
    words = edited(Final(0, 1, said("one too three")), "one two and three four").words
    assert [word.text for word in words] == ["one", "two", "and", "three", "four"]
    assert [(word.start_s, word.end_s) for word in words[:4]] == [(0.0, 0.5), (1.0, 1.25), (1.25, 1.5), (2.0, 2.5)]
    assert words[4].start_s == 2.5
    assert [word.confidence for word in words] == [0.9, 1.0, 1.0, 0.9, 1.0]
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(words))


def test_undo_takes_finished_segments_and_redo_brings_them_back_in_place() -> None:
    document = TranscriptDocument()
    for number in range(3):
        document.accept(Final(number, 1, said(f"s{number}")))
    document.accept(Partial(3, 1, said("in progress")))
    first, second = document.undo(), document.undo()
    assert (first and first.id, second and second.id) == (2, 1)
    assert texts(document) == ["s0", "in progress"]
    assert not document.accept(Final(2, 7, said("a late revision")))
    document.redo()
    document.redo()
    assert document.redo() is None
    assert texts(document) == ["s0", "s1", "s2", "in progress"]
    assert TranscriptDocument().undo() is None


def test_a_second_take_goes_on_after_the_first() -> None:
    document = TranscriptDocument([Final(4, 1, said("before", 7.2))])
    event = document.placed(Final(0, 1, said("after", 1.0)))
    assert isinstance(event, Final)
    assert (event.segment_id, event.words[0].start_s) == (5, 9.0)
    document.accept(event)
    document.begin_take(elapsed_s=60.0)
    event = document.placed(Partial(0, 1, said("third", 1.0)))
    assert isinstance(event, Partial)
    assert (event.segment_id, event.words[0].start_s) == (6, 69.0)


def test_a_segment_that_was_taken_away_is_not_confused_with_one_of_the_next_take() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("gone")))
    document.undo()
    document.begin_take(10.0)
    event = document.placed(Final(0, 1, said("new")))
    assert isinstance(event, Final)
    assert document.accept(event)


def test_what_is_in_progress_is_saved_as_it_stands() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("done")))
    document.accept(Partial(1, 1, said("half a")))
    assert [final.text for final in document.finals()] == ["done", "half a"]


def test_search_ignores_case() -> None:
    document = TranscriptDocument([Final(0, 1, said("To Zurich")), Final(1, 1, said("home"))])
    assert document.find("zurich") == [0]
    assert document.find("o") == [0, 1]


def in_writing(segment_id: int, raw: str, *texts: str, action: str = "") -> Written:
    """Written text whose tokens stand for a raw word each, at revision 2."""
    tokens = tuple(Token(text, place, place + 1) for place, text in enumerate(texts))
    words = tuple(Word(text, float(place), place + 0.5, 0.9) for place, text in enumerate(texts) if text.strip())
    return Written(segment_id, 2, words, raw=said(raw), tokens=tokens, action=action)


def test_written_text_takes_the_place_of_the_final_and_the_raw_words_can_be_shown() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("twenty men")))
    assert document.accept(in_writing(0, "twenty men", "20", "men."))
    assert texts(document) == ["20 men."]
    document.show_raw(True)
    assert texts(document) == ["twenty men"]
    assert document.finals()[0].text == "twenty men"
    document.accept(Final(1, 1, said("ten more")))
    document.accept(in_writing(1, "ten more", "10", "more."))
    assert texts(document) == ["twenty men", "ten more"]
    document.show_raw(False)
    assert texts(document) == ["20 men.", "10 more."]


def test_an_edit_of_written_text_holds_in_both_views_and_keeps_the_raw_words() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("the male came")))
    document.accept(in_writing(0, "the male came", "The", "male", "came."))
    final = document.edit(0, "The mail\ncame.")
    assert isinstance(final, Written)
    assert final.text == "The mail\ncame."
    assert [word.text for word in final.raw] == ["the", "male", "came"]
    assert not document.accept(in_writing(0, "the male came", "THE", "MALE", "CAME"))
    document.show_raw(True)
    assert texts(document) == ["The mail\ncame."]


def test_an_edit_that_is_quicker_than_the_writer_stays() -> None:
    document = TranscriptDocument()
    document.accept(Final(0, 1, said("scratch that")))
    document.edit(0, "scratch this")
    assert not document.accept(in_writing(0, "scratch that", action="scratch"))
    assert texts(document) == ["scratch this"]


def test_raw_words_move_with_the_take() -> None:
    document = TranscriptDocument([Final(4, 1, said("before", 7.2))])
    event = document.placed(in_writing(0, "twenty", "20"))
    assert isinstance(event, Written)
    assert (event.segment_id, event.words[0].start_s, event.raw[0].start_s) == (5, 8.0, 8.0)


def test_undo_that_takes_back_a_removal_or_else_the_writing() -> None:
    document = TranscriptDocument()
    for number in range(2):
        document.accept(in_writing(number, "twenty", "20"))
    document.undo(before=1)
    assert [segment.id for segment in document.segments] == [1]
    document.undo(before=2)
    assert document.take_back(before=2)
    assert [(segment.id, segment.said.text) for segment in document.segments] == [(1, "20")]
    assert document.take_back(before=2)
    assert texts(document) == ["twenty"]
    assert document.take_back(before=1)  # segment 0 comes back
    assert texts(document) == ["20", "twenty"]
    assert TranscriptDocument().take_back(before=9) is None
