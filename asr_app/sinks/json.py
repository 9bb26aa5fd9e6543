"""A transcript as JSON: words with times and confidences."""

import json
from collections.abc import Iterable
from typing import Any

from asr_app.sinks.segment import Segment, Utterance, spoken
from decoder.types import Word


def to_json(segments: Iterable[Segment], file: str) -> str:
    """One line: {file, ...} with what transcript gives, so that several files are JSON lines."""
    return _line({"file": file, **transcript(segments)})


def to_jsonl(segments: Iterable[Segment], file: str) -> str:
    """A line for each segment that has words: {file, ...} with what transcript says of the segment."""
    return "".join(_line({"file": file, **_row(segment)}) for segment in segments if segment.words)


def transcript(segments: Iterable[Segment]) -> dict[str, Any]:
    """The object {text, segments: [{text, start, end, words: [{text, start, end, confidence}]}]}.

    start and end in seconds (to the millisecond), confidence in [0, 1]; segments without words are left out. A segment
    also has its speaker and alternatives [{text, score}], best first, where they are known; score: natural log.
    """
    rows = [_row(segment) for segment in segments if segment.words]
    return {"text": " ".join(row["text"] for row in rows), "segments": rows}


def _row(segment: Segment) -> dict[str, Any]:
    words = segment.words
    row: dict[str, Any] = {
        "text": spoken(segment),
        "start": _rounded(words[0].start_s),
        "end": _rounded(words[-1].end_s),
        "words": [_word(word) for word in words],
    }
    if isinstance(segment, Utterance):
        if segment.speaker:
            row["speaker"] = segment.speaker
        if segment.alternatives:
            row["alternatives"] = [{"text": one.text, "score": _rounded(one.score)} for one in segment.alternatives]
    return row


def _word(word: Word) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": _rounded(word.start_s),
        "end": _rounded(word.end_s),
        "confidence": _rounded(word.confidence),
    }


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: float) -> float:
    return round(float(value), 3)  # float(): numpy scalars are not JSON
