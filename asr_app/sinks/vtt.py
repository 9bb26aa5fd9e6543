"""A transcript as WebVTT subtitles (.vtt), www.w3.org/TR/webvtt1."""

from collections.abc import Callable, Iterable

from asr_app.sinks.cues import Cue, clock, cues, in_ms
from asr_app.sinks.segment import Segment


def to_vtt(segments: Iterable[Segment]) -> str:
    """The header and the cues, times as 00:00:01.500; a cue's voice is its speaker."""
    return _document(segments, lambda cue: _escaped(cue.text))


def to_karaoke(segments: Iterable[Segment]) -> str:
    """The same, each word with the time at which it begins, so that a player can light it up."""
    return _document(segments, _word_by_word)


def _document(segments: Iterable[Segment], body: Callable[[Cue], str]) -> str:
    blocks = [
        f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}\n{_voice(cue)}{body(cue)}\n" for cue in cues(segments)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _voice(cue: Cue) -> str:
    return f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""


def _word_by_word(cue: Cue) -> str:
    """Timestamps rise and lie inside the cue, as the standard wants; a word without room for one goes with the last."""
    latest, lines = cue.start_ms, []
    for line in cue.lines:
        shown = []
        for word in line:
            time = in_ms(word.start_s)
            stamped = latest < time < cue.end_ms
            latest = time if stamped else latest
            shown.append((f"<{clock(time, '.')}>" if stamped else "") + f"<c>{_escaped(word.text)}</c>")
        lines.append(" ".join(shown))
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text without what WebVTT would take for tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
