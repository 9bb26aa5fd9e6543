"""The forms that a transcript can be written in, by name; what writes them is in documents.py."""

from enum import StrEnum


class Format(StrEnum):
    """How a transcript is written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    SRT = "srt"
    VTT = "vtt"
    KARAOKE = "karaoke"
    TSV = "tsv"
    CTM = "ctm"

    @property
    def ending(self) -> str:
        """Of the names of its files."""
        return {"text": ".txt", "karaoke": ".karaoke.vtt"}.get(self.value, f".{self.value}")

    @property
    def of_one_recording(self) -> bool:
        """Whether two documents, one behind the other, are none."""
        return self in (Format.SRT, Format.VTT, Format.KARAOKE, Format.TSV)
