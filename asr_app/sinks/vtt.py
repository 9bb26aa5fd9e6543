"""A transcript as WebVTT subtitles (.vtt), www.w3.org/TR/webvtt1."""

from collections.abc import Iterable

from asr_app.sinks.cues import clock, cues
from asr_app.sinks.segment import Segment


def to_vtt(segments: Iterable[Segment]) -> str:
    """The header and the cues, times as 00:00:01.500."""
    blocks = [
        f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n" + _escaped("\n".join(cue.lines)) + "\n"
        for cue in cues(segments)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _escaped(text: str) -> str:
    """Text without what WebVTT would take for tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
