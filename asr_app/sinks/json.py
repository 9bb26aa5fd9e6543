"""A transcript as JSON: words with times and confidences."""

import json
from collections.abc import Iterable
from typing import Any

from asr_app.sinks.segment import Segment, spoken
from decoder.types import Word


def to_json(segments: Iterable[Segment], file: str) -> str:
    """One line: {file, ...} with what transcript gives, so that several files are JSON lines."""
    return json.dumps({"file": file, **transcript(segments)}, ensure_ascii=False, allow_nan=False) + "\n"


def transcript(segments: Iterable[Segment]) -> dict[str, Any]:
    """The object {text, segments: [{text, start, end, words: [{text, start, end, confidence}]}]}.

    start and end in seconds (to the millisecond), confidence in [0, 1]; segments without words are left out.
    """
    rows = [_row(segment) for segment in segments if segment.words]
    return {"text": " ".join(row["text"] for row in rows), "segments": rows}


def _row(segment: Segment) -> dict[str, Any]:
    words = segment.words
    return {
        "text": spoken(segment),
        "start": _rounded(words[0].start_s),
        "end": _rounded(words[-1].end_s),
        "words": [_word(word) for word in words],
    }


def _word(word: Word) -> dict[str, Any]:
    return {
        "text": word.text,
        "start": _rounded(word.start_s),
        "end": _rounded(word.end_s),
        "confidence": _rounded(word.confidence),
    }


def _rounded(value: float) -> float:
    return round(float(value), 3)  # float(): numpy scalars are not JSON
