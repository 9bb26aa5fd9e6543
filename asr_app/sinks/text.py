"""A transcript as plain text."""

from collections.abc import Iterable

from asr_app.sinks.segment import Segment, speaker_of, spoken


def to_text(segments: Iterable[Segment]) -> str:
    """One line for each segment that has words, behind its speaker where one is named; empty when there are none."""
    return "".join(f"{_name(segment)}{line}\n" for segment in segments if (line := spoken(segment)))


def _name(segment: Segment) -> str:
    speaker = speaker_of(segment)
    return f"{speaker}: " if speaker else ""
