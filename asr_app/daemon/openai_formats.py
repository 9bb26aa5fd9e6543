"""Transcripts in the forms of OpenAI's transcription API."""

import json
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from asr_app.events import Final
from asr_app.sinks.srt import to_srt
from asr_app.sinks.vtt import to_vtt
from decoder.types import Word

ResponseFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
RESPONSE_FORMATS: tuple[str, ...] = get_args(ResponseFormat)
_MEDIA_TYPES = {"text": "text/plain", "srt": "text/plain", "vtt": "text/vtt"}


@dataclass(frozen=True, slots=True)
class Recording:
    """What was heard in a recording, and how long it is in seconds."""

    finals: tuple[Final, ...]
    duration_s: float

    @property
    def text(self) -> str:
        """All words on one line."""
        return " ".join(final.text for final in self.finals)


def rendered(recording: Recording, form: str, granularities: Iterable[str]) -> tuple[str, str]:
    """A transcript in one of RESPONSE_FORMATS, and its media type; granularities: word, segment."""
    if form == "srt":
        body = to_srt(recording.finals)
    elif form == "vtt":
        body = to_vtt(recording.finals)
    elif form == "text":
        body = recording.text + "\n"
    elif form == "verbose_json":
        body = json.dumps(_verbose(recording, set(granularities) or {"segment"}), ensure_ascii=False)
    else:
        body = json.dumps({"text": recording.text, "usage": usage(recording.duration_s)}, ensure_ascii=False)
    return body, _MEDIA_TYPES.get(form, "application/json")


def usage(duration_s: float) -> dict[str, Any]:
    """What a client is told that it used, in whole seconds."""
    return {"type": "duration", "seconds": math.ceil(duration_s)}


def _verbose(recording: Recording, granularities: set[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "task": "transcribe",
        "language": "english",
        "duration": round(recording.duration_s, 3),
        "text": recording.text,
        "usage": usage(recording.duration_s),
    }
    if "segment" in granularities:
        told["segments"] = [_segment(number, final) for number, final in enumerate(recording.finals)]
    if "word" in granularities:
        told["words"] = [_word(word) for final in recording.finals for word in final.words]
    return told


def _segment(number: int, final: Final) -> dict[str, Any]:
    """A segment; what only Whisper has is told as it has it where all is well."""
    spoken = final.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": _rounded(final.words[0].start_s),
        "end": _rounded(final.words[-1].end_s),
        "text": final.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": _rounded(_mean_log_confidence(final.words)),
        "compression_ratio": round(len(spoken) / len(zlib.compress(spoken)), 3),
        "no_speech_prob": 0.0,
    }


def _mean_log_confidence(words: Sequence[Word]) -> float:
    return sum(math.log(max(word.confidence, 1e-6)) for word in words) / len(words)


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text, "start": _rounded(word.start_s), "end": _rounded(word.end_s)}


def _rounded(value: float) -> float:
    return round(float(value), 3)  # float(): numpy scalars are not JSON
