"""Cutting a transcript into the cues of subtitles, as the guidelines of BBC and Netflix want them.

A cue has at most two lines of 42 characters and is shown for 1 to 7 s; cues do not overlap and leave a gap of two
pictures; they end where a clause or a pause ends. Which words go together is decided for all of a recording
at once: the cuts that cost least in all (dynamic programming, as TeX breaks paragraphs; Knuth and Plass 1981).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from asr_app.sinks.line_breaks import LINE, break_cost, fits, in_lines
from asr_app.sinks.segment import Segment, speaker_of
from decoder.types import Word

PAUSE_S = 0.6  # a longer one ends a cue where it can
LONGEST_MS, SHORTEST_MS, GAP_MS = 7000, 1000, 80  # of a cue; GAP_MS: two pictures of 25 a second
READING = 20.0  # characters a second that can be read at ease

_CUE, _PAUSE, _HURRY, _FLASH = 1.0, 4.0, 0.2, 8.0  # costs: of a cue, and of a second, a character, or a second too many


@dataclass(frozen=True, slots=True)
class Cue:
    """Words to show from start_ms to end_ms (milliseconds), in one or two lines of at most LINE characters."""

    start_ms: int
    end_ms: int
    lines: tuple[tuple[Word, ...], ...]
    speaker: str = ""

    @property
    def text(self) -> str:
        """The lines."""
        return "\n".join(" ".join(word.text for word in line) for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word that fits a line, and the segment it is of."""

    word: Word
    segment: int
    speaker: str


def cues(segments: Iterable[Segment]) -> list[Cue]:
    """The cues of a transcript, in order.

    A cue holds the words of one speaker. It appears with its first word and, where the next one leaves the time, stays
    until it can be read. Where more is said than can be shown, cues come late rather than overlap.
    """
    pieces = [piece for number, segment in enumerate(segments) for piece in _pieces(segment, number)]
    made: list[Cue] = []
    cuts = _cuts(pieces)
    for index, (start, stop) in enumerate(cuts):
        following = pieces[stop] if index + 1 < len(cuts) else None
        made.append(_timed(pieces[start:stop], made[-1].end_ms if made else None, following))
    return made


def clock(milliseconds: int, point: str) -> str:
    """Hours, minutes, seconds and milliseconds as 01:02:03,004, with the point that a format wants."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"


def in_ms(seconds: float) -> int:
    """Whole milliseconds."""
    return max(0, round(seconds * 1000))


def _pieces(segment: Segment, number: int) -> Iterator[_Piece]:
    """The words that have text, those longer than a line cut into parts."""
    for word in segment.words:
        text = " ".join(word.text.split())
        count = -(-len(text) // LINE)
        step = (word.end_s - word.start_s) / max(1, count)
        for k in range(count):
            start = word.start_s + k * step
            part = text[k * LINE : (k + 1) * LINE].strip()
            yield _Piece(Word(part, start, start + step, word.confidence), number, speaker_of(segment))


def _cuts(pieces: Sequence[_Piece]) -> list[tuple[int, int]]:
    """The range of pieces of each cue: the ranges whose costs are the least in all."""
    costs, starts = [0.0], [0]
    for stop in range(1, len(pieces) + 1):
        tail = _end_cost(pieces, stop)
        options = [(costs[start] + _cost(pieces, start, stop) + tail, start) for start in _starts(pieces, stop)]
        cost, start = min(options)
        costs.append(cost)
        starts.append(start)
    found, stop = [], len(pieces)
    while stop:
        found.append((starts[stop], stop))
        stop = starts[stop]
    return found[::-1]


def _starts(pieces: Sequence[_Piece], stop: int) -> Iterator[int]:
    """Where a cue that ends before a piece may start: one speaker, 7 s and two lines are the most."""
    last = pieces[stop - 1]
    yield stop - 1
    for start in range(stop - 2, -1, -1):
        first = pieces[start]
        if first.speaker != last.speaker or not 0 <= in_ms(last.word.end_s) - in_ms(first.word.start_s) <= LONGEST_MS:
            return
        if not fits([piece.word.text for piece in pieces[start:stop]]):
            return
        yield start


def _cost(pieces: Sequence[_Piece], start: int, stop: int) -> float:
    """What a cue of these pieces costs: pauses in it, and too little time to read it."""
    words = [piece.word for piece in pieces[start:stop]]
    pauses = sum(_pause(one, two) for one, two in zip(pieces[start:stop], pieces[start + 1 : stop], strict=False))
    began, until = words[0].start_s, words[-1].end_s + 1.0
    if stop < len(pieces):
        until = min(until, max(pieces[stop].word.start_s, words[-1].end_s) - GAP_MS / 1000)
    shown = max(0.0, until - began)
    characters = sum(len(word.text) + 1 for word in words)
    return _CUE + _PAUSE * pauses + _HURRY * max(0.0, characters - READING * shown) + _FLASH * max(0.0, 1.0 - shown)


def _pause(one: _Piece, two: _Piece) -> float:
    """Seconds of a pause that is too long for the middle of a cue; the end of a segment is one, too."""
    silence = two.word.start_s - one.word.end_s
    return max(PAUSE_S, silence) if silence > PAUSE_S or one.segment != two.segment else 0.0


def _end_cost(pieces: Sequence[_Piece], stop: int) -> float:
    """What it costs to end a cue before a piece; nothing where there is a pause."""
    if stop == len(pieces) or _pause(pieces[stop - 1], pieces[stop]):
        return 0.0
    return break_cost(pieces[stop - 1].word.text, pieces[stop].word.text)


def _timed(pieces: Sequence[_Piece], before_ms: int | None, following: _Piece | None) -> Cue:
    """A cue at its time, after the one before and, where that leaves it a second, before the following."""
    words = [piece.word for piece in pieces]
    start = in_ms(words[0].start_s)
    if before_ms is not None:
        start = max(start, before_ms + GAP_MS)
    readable = start + round(1000 * sum(len(word.text) + 1 for word in words) / READING)
    end = max(in_ms(words[-1].end_s), readable)
    if following:
        end = min(end, in_ms(following.word.start_s) - GAP_MS)
    end = min(max(end, start + SHORTEST_MS), start + LONGEST_MS)
    return Cue(start, end, in_lines(words), pieces[0].speaker)
