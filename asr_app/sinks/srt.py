"""A transcript as SubRip subtitles (.srt)."""

from collections.abc import Iterable

from asr_app.sinks.cues import clock, cues
from asr_app.sinks.segment import Segment


def to_srt(segments: Iterable[Segment]) -> str:
    """Numbered cues, times as 00:00:01,500; empty when no word was said."""
    blocks = [
        f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{cue.text}\n"
        for number, cue in enumerate(cues(segments), start=1)
    ]
    return "\n".join(blocks)
