import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_app.sinks.cues import LINE, clock, cues
from asr_app.sinks.json import to_json
from asr_app.sinks.srt import to_srt
from asr_app.sinks.text import to_text
from asr_app.sinks.vtt import to_vtt
from decoder.types import Word


@dataclass(frozen=True)
class Said:
    words: tuple[Word, ...]


def said(text: str, start_s: float = 0.0, each_s: float = 0.4) -> Said:
    """Words of equal length without pauses."""
    return Said(
        tuple(Word(word, start_s + k * each_s, start_s + (k + 1) * each_s, 0.9) for k, word in enumerate(text.split()))
    )


def random_segments() -> st.SearchStrategy[list[Said]]:
    word = st.tuples(st.text("abc <é\n", max_size=60), st.floats(0, 3), st.floats(0, 9))

    def timed(rows: list[list[tuple[str, float, float]]]) -> list[Said]:
        now, segments = 0.0, []
        for row in rows:
            words = []
            for text, pause, length in row:
                words.append(Word(text, now + pause, now + pause + length, 0.5))
                now += pause + length
            segments.append(Said(tuple(words)))
        return segments

    return st.lists(st.lists(word, max_size=30), max_size=4).map(timed)


def test_text_has_a_line_for_each_segment() -> None:
    assert to_text([said("hello world"), Said(()), said("good morning", 3)]) == "hello world\ngood morning\n"
    assert to_text([]) == ""


def test_srt() -> None:
    assert to_srt([said("hello world", 1.0), said("bye", 3661.5)]) == (
        "1\n00:00:01,000 --> 00:00:02,000\nhello world\n\n2\n01:01:01,500 --> 01:01:02,500\nbye\n"
    )
    assert to_srt([Said(())]) == ""


def test_vtt() -> None:
    assert to_vtt([said("a <b> & c", 1.0)]) == ("WEBVTT\n\n00:00:01.000 --> 00:00:02.600\na &lt;b&gt; &amp; c\n")
    assert to_vtt([]) == "WEBVTT\n"


def test_json() -> None:
    numbers: Any = (np.float32(0.1234567), np.float64(0.5), np.float32(0.87654))
    made = json.loads(to_json([Said((Word("café", *map(float, numbers)), Word("é", *numbers))), Said(())], "a.wav"))
    word = {"start": 0.123, "end": 0.5, "confidence": 0.877}
    assert made == {
        "file": "a.wav",
        "text": "café é",
        "segments": [
            {
                "text": "café é",
                "start": 0.123,
                "end": 0.5,
                "words": [{"text": "café"} | word, {"text": "é"} | word],
            }
        ],
    }
    assert json.loads(to_json([], "a.wav")) == {"file": "a.wav", "text": "", "segments": []}


def test_json_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json([Said((Word("a", 0.0, float("nan"), 1.0),))], "a.wav")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (59.9994, "00:00:59,999"),
        (59.9996, "00:01:00,000"),
        (3599.9996, "01:00:00,000"),
        (0.0004, "00:00:00,000"),
        (36_000.5, "10:00:00,500"),
        (360_000.0, "100:00:00,000"),
    ],
)
def test_times_are_rounded_before_they_are_split(seconds: float, shown: str) -> None:
    assert to_srt([said("a", seconds)]).split("\n")[1].split(" ")[0] == shown


def test_clock() -> None:
    assert clock(3_723_004, ".") == "01:02:03.004"


def test_a_pause_starts_a_cue() -> None:
    words = (Word("one", 0.0, 0.3, 1.0), Word("two", 0.9, 1.2, 1.0), Word("three", 1.81, 2.0, 1.0))
    assert [cue.lines for cue in cues([Said(words)])] == [("one two",), ("three",)]


def test_a_segment_starts_a_cue() -> None:
    assert [cue.lines for cue in cues([said("one"), said("two", 0.4)])] == [("one",), ("two",)]


def test_long_speech_is_cut_after_seven_seconds() -> None:
    made = cues([said("a " * 30, 0.0, 0.5)])
    assert [(cue.start_ms, cue.end_ms) for cue in made] == [
        (0, 7000),
        (7000, 14_000),
        (14_000, 15_000),
    ]


def test_two_lines_are_balanced() -> None:
    (cue,) = cues([said("the quick brown fox jumps over the lazy dog again and again", each_s=0.2)])
    assert cue.lines == ("the quick brown fox jumps over", "the lazy dog again and again")


def test_a_word_longer_than_a_cue_is_cut() -> None:
    made = cues([said("x" * 100, 0.0, 3.0)])
    assert [line for cue in made for line in cue.lines] == ["x" * 42, "x" * 42, "x" * 16]


def test_short_cues_stay_while_there_is_time() -> None:
    made = cues([said("one", 0.0, 0.1), said("two", 0.5, 0.1), said("three", 5.0, 0.1)])
    assert [(cue.start_ms, cue.end_ms) for cue in made] == [(0, 500), (500, 1500), (5000, 6000)]


@given(random_segments())
def test_cues_keep_every_limit(segments: list[Said]) -> None:
    made = cues(segments)
    for cue in made:
        assert 0 <= cue.start_ms < cue.end_ms <= cue.start_ms + 7000
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= LINE for line in cue.lines)
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(made))
    kept = "".join("".join(cue.lines) for cue in made).replace(" ", "")
    assert kept == re.sub(r"\s", "", "".join(word.text for segment in segments for word in segment.words))


@given(random_segments())
def test_files_can_be_read_back(segments: list[Said]) -> None:
    made = cues(segments)
    blocks = [block for block in to_srt(segments).split("\n\n") if block.strip()]
    assert [block.strip().split("\n")[0] for block in blocks] == [str(k + 1) for k in range(len(made))]
    assert to_vtt(segments).count(" --> ") == len(made)
    assert json.loads(to_json(segments, "a.wav"))["segments"] == [
        {
            "text": " ".join(" ".join(word.text for word in segment.words).split()),
            "start": round(segment.words[0].start_s, 3),
            "end": round(segment.words[-1].end_s, 3),
            "words": [
                {"text": w.text, "start": round(w.start_s, 3), "end": round(w.end_s, 3), "confidence": 0.5}
                for w in segment.words
            ],
        }
        for segment in segments
        if segment.words
    ]
