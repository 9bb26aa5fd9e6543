"""A transcript as a table: TSV, a line for each segment, and CTM, a line for each word."""

from collections.abc import Iterable
from pathlib import Path

from asr_app.sinks.cues import in_ms
from asr_app.sinks.segment import Segment, speaker_of, spoken


def to_tsv(segments: Iterable[Segment]) -> str:
    """Columns start, end (milliseconds), speaker (may be empty) and text, under a heading."""
    rows = [
        f"{in_ms(segment.words[0].start_s)}\t{in_ms(segment.words[-1].end_s)}\t{speaker_of(segment)}\t{spoken(segment)}\n"
        for segment in segments
        if segment.words
    ]
    return "".join(["start\tend\tspeaker\ttext\n", *rows])


def to_ctm(segments: Iterable[Segment], file: str) -> str:
    """Lines of recording, channel, start and length in seconds, word, confidence (NIST's SCTK, ctm.htm).

    The recording is the name of the file without its ending; the channel is the speaker's, 1 where there is none.
    """
    name = "_".join(Path(file).stem.split()) or "-"
    return "".join(
        f"{name} {speaker_of(segment) or 1} {word.start_s:.3f} {word.end_s - word.start_s:.3f} {text} "
        f"{word.confidence:.3f}\n"
        for segment in segments
        for word in segment.words
        if (text := "_".join(word.text.split()))
    )
