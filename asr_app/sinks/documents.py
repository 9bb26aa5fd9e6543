"""A whole transcript in any of the forms."""

from collections.abc import Callable, Sequence

from asr_app.sinks.formats import Format
from asr_app.sinks.json import to_json, to_jsonl
from asr_app.sinks.segment import Segment
from asr_app.sinks.srt import to_srt
from asr_app.sinks.tables import to_ctm, to_tsv
from asr_app.sinks.text import to_text
from asr_app.sinks.vtt import to_karaoke, to_vtt

_WRITERS: dict[Format, Callable[[Sequence[Segment], str], str]] = {
    Format.TEXT: lambda segments, _: to_text(segments),
    Format.JSON: to_json,
    Format.JSONL: to_jsonl,
    Format.SRT: lambda segments, _: to_srt(segments),
    Format.VTT: lambda segments, _: to_vtt(segments),
    Format.KARAOKE: lambda segments, _: to_karaoke(segments),
    Format.TSV: lambda segments, _: to_tsv(segments),
    Format.CTM: to_ctm,
}


def document(segments: Sequence[Segment], form: Format, file: str) -> str:
    """The whole transcript of a recording; file: what it is called."""
    return _WRITERS[form](segments, file)
