import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_app.errors import ProtocolError
from asr_app.events import (
    AudioGap,
    Event,
    Failed,
    Final,
    Partial,
    SpeechEnded,
    SpeechStarted,
    from_json,
    to_json,
)
from decoder.types import Word

seconds = st.floats(0, 1e6).map(lambda number: round(number, 3))  # as the JSON form has them
shares = st.floats(0, 1).map(lambda number: round(number, 3))
counts = st.integers(0, 2**53)
words = st.lists(st.builds(Word, st.text(), seconds, seconds, shares), max_size=5).map(tuple)
events = st.one_of(
    st.builds(Partial, counts, counts, words, counts),
    st.builds(Final, counts, counts, words),
    st.builds(SpeechStarted, seconds),
    st.builds(SpeechEnded, seconds),
    st.builds(AudioGap, counts, counts),
    st.builds(Failed, st.text()),
)


@given(events)
def test_every_event_survives_its_json_form(event: Event) -> None:
    line = to_json(event)
    assert "\n" not in line
    assert from_json(line) == event
    assert type(from_json(line)) is type(event)


def test_the_json_form() -> None:
    event = Partial(1, 2, (Word("héllo", 0.5, 1.0, 0.9),), 1)
    assert json.loads(to_json(event)) == {
        "type": "partial",
        "segment_id": 1,
        "revision": 2,
        "words": [{"text": "héllo", "start_s": 0.5, "end_s": 1.0, "confidence": 0.9}],
        "stable_words": 1,
    }


def test_numbers_have_three_places() -> None:
    event = Final(0, 1, (Word("late", 6.4559999999999995, 7.1000000001, 2 / 3),))
    (word,) = json.loads(to_json(event))["words"]
    assert word == {"text": "late", "start_s": 6.456, "end_s": 7.1, "confidence": 0.667}
    assert json.loads(to_json(SpeechStarted(0.1 + 0.2)))["time_s"] == 0.3


def test_text_joins_the_words() -> None:
    assert Final(0, 1, (Word("good", 0, 1, 1), Word("day", 1, 2, 1))).text == "good day"
    assert Final(0, 1, ()).text == ""


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "1",
        "null",
        "[]",
        "{}",
        '{"type": "shout"}',
        '{"type": []}',
        '{"type": "final"}',
        '{"type": "final", "segment_id": 0, "revision": 1, "words": [], "surplus": 1}',
        '{"type": "final", "segment_id": 0, "revision": 1, "words": 3}',
        '{"type": "final", "segment_id": 0, "revision": 1, "words": [3]}',
        '{"type": "final", "segment_id": 0, "revision": 1, "words": [{"text": "a"}]}',
        "[" * 100_000,
        "9" * 10_000,
    ],
    ids=lambda line: line[:40],
)
def test_what_is_no_event(line: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        from_json(line)
    message = str(caught.value)
    assert message.startswith("not an event")
    assert message.isprintable()
    assert len(message) < 400
