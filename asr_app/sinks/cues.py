"""Cutting a transcript into the cues of subtitles."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from asr_app.sinks.segment import Segment
from decoder.types import Word

LINE = 42  # characters; two lines of 42 are the common limit (BBC and Netflix subtitle guidelines: 37 to 42)
PAUSE_S = 0.6
LONGEST_S = 7.0
_SHORTEST_MS = 1000  # a cue is shown so long where the next one leaves the time


@dataclass(frozen=True, slots=True)
class Cue:
    """Text to show from start_ms to end_ms (milliseconds), in one or two lines of at most LINE characters."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(segments: Iterable[Segment]) -> list[Cue]:
    """The cues of a transcript, in order, none overlapping the next.

    A new cue starts with each segment, after a pause longer than PAUSE_S, and where a word would make the
    cue longer than LONGEST_S or than two lines.
    """
    groups = [group for segment in segments for group in _groups(_pieces(segment))]
    starts = [_ms(group[0].start_s) for group in groups]
    made: list[Cue] = []
    for index, group in enumerate(groups):
        start = max(starts[index], made[-1].end_ms if made else 0)
        end = min(max(_ms(group[-1].end_s), start + _SHORTEST_MS), start + _ms(LONGEST_S))
        if index + 1 < len(groups):
            end = min(end, starts[index + 1])
        made.append(Cue(start, max(end, start + 1), _lines([word.text for word in group])))
    return made


def clock(milliseconds: int, point: str) -> str:
    """Hours, minutes, seconds and milliseconds as 01:02:03,004, with the point that a format wants."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"


def _pieces(segment: Segment) -> Iterator[Word]:
    """The words that have text, those longer than a line cut into parts."""
    for word in segment.words:
        text = " ".join(word.text.split())
        count = -(-len(text) // LINE)
        step = (word.end_s - word.start_s) / max(1, count)
        for k in range(count):
            start = word.start_s + k * step
            yield Word(text[k * LINE : (k + 1) * LINE], start, start + step, word.confidence)


def _groups(words: Iterable[Word]) -> Iterator[list[Word]]:
    """The words of each cue of a segment."""
    group: list[Word] = []
    for word in words:
        if group and not _fits(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _fits(group: list[Word], word: Word) -> bool:
    return (
        _ms(word.start_s) - _ms(group[-1].end_s) <= _ms(PAUSE_S)
        and _ms(word.end_s) - _ms(group[0].start_s) <= _ms(LONGEST_S)
        and bool(_lines([*(held.text for held in group), word.text]))
    )


def _lines(texts: list[str]) -> tuple[str, ...]:
    """One line if it is enough, else two of the most equal lengths; nothing if two are not enough."""
    whole = " ".join(texts)
    if len(whole) <= LINE:
        return (whole,)
    splits = [(" ".join(texts[:k]), " ".join(texts[k:])) for k in range(1, len(texts))]
    fitting = [split for split in splits if max(map(len, split)) <= LINE]
    return min(fitting, key=lambda split: abs(len(split[0]) - len(split[1])), default=())


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
