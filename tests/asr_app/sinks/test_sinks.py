import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from transcripts import random_segments, said

from asr_app.sinks.cues import cues
from asr_app.sinks.documents import document
from asr_app.sinks.formats import Format
from asr_app.sinks.json import to_json, to_jsonl
from asr_app.sinks.segment import Alternative, Utterance
from asr_app.sinks.srt import to_srt
from asr_app.sinks.tables import to_ctm, to_tsv
from asr_app.sinks.text import to_text
from asr_app.sinks.vtt import to_vtt
from decoder.types import Word

NOTHING = Utterance(())


def test_text_has_a_line_for_each_segment() -> None:
    assert to_text([said("hello world"), NOTHING, said("good morning", 3)]) == "hello world\ngood morning\n"
    assert to_text([said("hello", speaker="2")]) == "2: hello\n"
    assert to_text([]) == ""


def test_srt() -> None:
    assert to_srt([said("hello world", 1.0), said("bye", 3661.5)]) == (
        "1\n00:00:01,000 --> 00:00:02,000\nhello world\n\n2\n01:01:01,500 --> 01:01:02,500\nbye\n"
    )
    assert to_srt([NOTHING]) == ""


def test_vtt() -> None:
    assert to_vtt([said("a <b> & c", 1.0)]) == ("WEBVTT\n\n00:00:01.000 --> 00:00:02.600\na &lt;b&gt; &amp; c\n")
    assert to_vtt([]) == "WEBVTT\n"


def test_tsv() -> None:
    segments = [said("hello\tworld", 1.0, speaker="2"), NOTHING, said("bye", 3)]
    assert to_tsv(segments) == "start\tend\tspeaker\ttext\n1000\t1800\t2\thello world\n3000\t3400\t\tbye\n"


def test_ctm() -> None:
    segments = [said("new york", 1.0), said("yes", 3.0, speaker="2"), Utterance((Word("a b", 4.0, 5.0, 0.5),))]
    assert to_ctm(segments, "talks/a talk.wav") == (
        "a_talk 1 1.000 0.400 new 0.900\na_talk 1 1.400 0.400 york 0.900\na_talk 2 3.000 0.400 yes 0.900\n"
        "a_talk 1 4.000 1.000 a_b 0.500\n"
    )


def test_json() -> None:
    numbers: Any = (np.float32(0.1234567), np.float64(0.5), np.float32(0.87654))
    made = json.loads(to_json([Utterance((Word("café", *map(float, numbers)), Word("é", *numbers))), NOTHING], "a.wav"))
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


def test_json_lines_have_speakers_and_alternatives() -> None:
    one = Utterance(said("hello").words, "1", (Alternative("hello", -1.25), Alternative("yellow", -3.5)))
    first, second = map(json.loads, to_jsonl([one, NOTHING, said("bye", 3)], "a.wav").splitlines())
    assert (first["file"], first["speaker"], first["text"]) == ("a.wav", "1", "hello")
    assert first["alternatives"] == [{"text": "hello", "score": -1.25}, {"text": "yellow", "score": -3.5}]
    assert (second["text"], second["start"]) == ("bye", 3.0)
    assert "speaker" not in second


def test_json_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json([Utterance((Word("a", 0.0, float("nan"), 1.0),))], "a.wav")


@pytest.mark.parametrize("form", Format)
def test_every_form_is_written(form: Format) -> None:
    assert "hello" in document([said("hello world")], form, "a.wav")
    assert document([], form, "a.wav").count("\n") <= 1


@given(random_segments())
def test_files_can_be_read_back(segments: list[Utterance]) -> None:
    made = cues(segments)
    blocks = [block for block in to_srt(segments).split("\n\n") if block.strip()]
    assert [block.strip().split("\n")[0] for block in blocks] == [str(k + 1) for k in range(len(made))]
    assert to_vtt(segments).count(" --> ") == len(made)
    assert len(to_tsv(segments).splitlines()) == 1 + sum(bool(one.words) for one in segments)
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
