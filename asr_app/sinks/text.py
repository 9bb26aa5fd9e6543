"""A transcript as plain text."""

from collections.abc import Iterable

from asr_app.sinks.segment import Segment, spoken


def to_text(segments: Iterable[Segment]) -> str:
    """One line for each segment that has words; empty when there are none."""
    return "".join(f"{line}\n" for line in map(spoken, segments) if line)
