"""Subtitles keep the conventions, whatever was said, and other programs read them."""

import io
import random
import re
from itertools import pairwise

import pysubs2
import pytest
import webvtt
from hypothesis import given
from transcripts import random_segments, said

from asr_app.sinks.cues import GAP_MS, Cue, clock, cues
from asr_app.sinks.line_breaks import LINE
from asr_app.sinks.segment import Utterance
from asr_app.sinks.srt import to_srt
from asr_app.sinks.vtt import to_karaoke, to_vtt
from decoder.types import Word

TALK = [
    "the",
    "first",
    "thing",
    "that",
    "you",
    "have",
    "to",
    "know",
    "about",
    "the",
    "harbour",
    "is",
    "that",
    "it",
    "was",
    "built",
    "in",
    "a",
    "hurry",
    "and",
    "nobody",
    "wrote",
    "down",
    "where",
    "the",
    "old",
    "wall",
    "ends",
    "so",
    "when",
    "the",
    "water",
    "rose",
    "in",
    "the",
    "spring",
    "of",
    "that",
    "year",
    "the",
    "engineers",
    "who",
    "came",
    "from",
    "the",
    "city",
    "had",
    "to",
    "look",
    "for",
    "it",
    "with",
    "poles",
    "because",
    "the",
    "maps",
    "were",
    "wrong",
    "and",
    "the",
    "only",
    "man",
    "who",
    "remembered",
    "it",
    "had",
    "moved",
    "away",
]


def hour() -> list[Utterance]:
    """An hour of speech: words of 0.1 to 0.6 s, pauses between some, segments of 3 to 60 words."""
    chance, now, segments = random.Random(4), 0.0, []
    while now < 3600:
        words = []
        for _ in range(chance.randint(3, 60)):
            length = chance.uniform(0.1, 0.6)
            words.append(Word(chance.choice(TALK), now, now + length, 0.9))
            now += length + (chance.uniform(0.0, 1.0) if chance.random() < 0.1 else 0.0)
        segments.append(Utterance(tuple(words)))
        now += chance.uniform(0.0, 5.0)
    return segments


def check(made: list[Cue], segments: list[Utterance]) -> None:
    """Every convention, and that no word is lost."""
    for cue in made:
        assert 1000 <= cue.end_ms - cue.start_ms <= 7000
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= LINE for line in cue.text.split("\n"))
    assert all(two.start_ms - one.end_ms >= GAP_MS for one, two in pairwise(made))
    kept = re.sub(r"\s", "", "".join(cue.text for cue in made))
    assert kept == re.sub(r"\s", "", "".join(word.text for segment in segments for word in segment.words))


@given(random_segments())
def test_cues_keep_every_limit(segments: list[Utterance]) -> None:
    check(cues(segments), segments)


def test_an_hour_of_speech() -> None:
    segments = hour()
    made = cues(segments)
    check(made, segments)
    late = [cue.start_ms - round(cue.lines[0][0].start_s * 1000) for cue in made]
    assert max(late) < 500  # with the voice
    said_on = [one for one, two in pairwise(made) if two.lines[0][0].start_s - one.lines[-1][-1].end_s < 0.1]
    torn = [cue for cue in said_on if cue.lines[-1][-1].text in ("the", "a", "of", "in", "was")]
    assert len(torn) < 0.03 * len(said_on)
    assert sum(cue.end_ms - cue.start_ms for cue in made) / len(made) > 2500  # no flicker


def test_another_parser_reads_srt() -> None:
    segments = hour()
    read = pysubs2.SSAFile.from_string(to_srt(segments), format_="srt")
    assert [(one.start, one.end, one.plaintext) for one in read] == [
        (cue.start_ms, cue.end_ms, cue.text) for cue in cues(segments)
    ]


@pytest.mark.parametrize("write", [to_vtt, to_karaoke])
def test_another_parser_reads_vtt(write: type[to_vtt]) -> None:
    segments = hour()
    read = webvtt.from_buffer(io.StringIO(write(segments)))
    assert [(one.start, one.end, one.text) for one in read] == [
        (clock(cue.start_ms, "."), clock(cue.end_ms, "."), cue.text) for cue in cues(segments)
    ]


def test_times_inside_a_karaoke_cue_rise() -> None:
    for block in to_karaoke(hour()).split("\n\n")[1:]:
        times = re.findall(r"[\d:]+\.\d{3}", block)
        start, end, *inner = times
        assert [start, *inner, end] == sorted({start, *inner, end})


def test_karaoke() -> None:
    assert to_karaoke([said("a & b", 1.0)]) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.200\n<c>a</c> <00:00:01.400><c>&amp;</c> <00:00:01.800><c>b</c>\n"
    )


def test_a_pause_starts_a_cue() -> None:
    words = (Word("one", 0.0, 0.5, 1.0), Word("two", 0.9, 1.4, 1.0), Word("three", 3.0, 3.3, 1.0))
    assert [cue.text for cue in cues([Utterance(words)])] == ["one two", "three"]


def test_a_cut_is_at_a_clause() -> None:
    text = (
        "nobody wrote down where the old wall ends because the maps of the harbour were wrong from the start of it all"
    )
    first, second = cues([said(text, each_s=0.3)])
    assert second.text.startswith("because")
    assert first.text == "nobody wrote down where the old wall ends"


def test_two_lines_are_balanced() -> None:
    (cue,) = cues([said("the quick brown fox jumps over the lazy dog again and again", each_s=0.2)])
    assert cue.text == "the quick brown fox jumps over\nthe lazy dog again and again"


def test_a_word_longer_than_a_cue_is_cut() -> None:
    made = cues([said("x" * 100, 0.0, 3.0)])
    assert [line for cue in made for line in cue.text.split("\n")] == ["x" * 42, "x" * 42, "x" * 16]


def test_short_words_share_a_cue_where_there_is_no_time_for_two() -> None:
    made = cues([said("one", 0.0, 0.1), said("two", 0.5, 0.1), said("three", 5.0, 0.1)])
    assert [(cue.text, cue.start_ms, cue.end_ms) for cue in made] == [("one two", 0, 1000), ("three", 5000, 6000)]


def test_a_cue_has_one_speaker() -> None:
    made = cues([said("yes", 0.0, 0.2, "1"), said("no", 0.3, 0.2, "2")])
    assert [(cue.text, cue.speaker) for cue in made] == [("yes", "1"), ("no", "2")]
    assert "\n<v 2>no\n" in to_vtt([said("yes", 0.0, 0.2, "1"), said("no", 0.3, 0.2, "2")])


def test_clock() -> None:
    assert clock(3_723_004, ".") == "01:02:03.004"


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
