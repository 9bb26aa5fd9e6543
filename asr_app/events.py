"""What a recogniser says about a stream, and the one JSON form of it.

Times are seconds, positions are samples at the stream's own rate, both from the start of the stream.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar

from asr_app.errors import ProtocolError
from asr_app.text.stages import Token, Tokens, text_of
from decoder.types import Word


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; `type` is the name on the wire."""

    type: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Transcript(Event):
    """Words of a segment; a higher revision of the same segment takes the place of a lower one."""

    segment_id: int
    revision: int
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, joined by spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Partial(Transcript):
    """The best words so far of a segment in progress; the first stable_words cannot change any more."""

    type: ClassVar[str] = "partial"
    stable_words: int = 0


@dataclass(frozen=True, slots=True)
class Final(Transcript):
    """The words of a finished segment.

    note: why they are less than they were to be, empty where all went well.
    """

    type: ClassVar[str] = "final"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Written(Final):
    """A finished segment as written text: words are the written ones, each with the times of what was said for it.

    raw: the words as they were recognised.
    tokens: the written text in pieces that know their raw words; line breaks are pieces too.
    action: what the speaker wants done instead of words ("scratch", "undo", "stop"); empty for text.
    """

    type: ClassVar[str] = "written"
    raw: tuple[Word, ...] = ()
    tokens: Tokens = ()
    action: str = ""

    @property
    def text(self) -> str:
        """The written text, with its line breaks."""
        return text_of(self.tokens)


@dataclass(frozen=True, slots=True)
class SpeechStarted(Event):
    """Somebody began to speak."""

    type: ClassVar[str] = "speech_started"
    time_s: float


@dataclass(frozen=True, slots=True)
class SpeechEnded(Event):
    """The speech that had begun is over."""

    type: ClassVar[str] = "speech_ended"
    time_s: float


@dataclass(frozen=True, slots=True)
class AudioGap(Event):
    """Samples that were lost before they could be heard; time goes on as if they had been silent."""

    type: ClassVar[str] = "audio_gap"
    start_sample: int
    samples: int


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The stream stopped because of an error; the message says what to do next."""

    type: ClassVar[str] = "failed"
    message: str


_KINDS: dict[str, type[Event]] = {
    kind.type: kind for kind in (Partial, Final, Written, SpeechStarted, SpeechEnded, AudioGap, Failed)
}

_PARTS: dict[str, type[Word] | type[Token]] = {"words": Word, "raw": Word, "tokens": Token}
"""Fields that are tuples of values."""


def to_json(event: Event) -> str:
    """One line of JSON with the event's type and fields; numbers to three places, times to the millisecond."""
    return json.dumps({"type": event.type, **_rounded(dataclasses.asdict(event))}, ensure_ascii=False)


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case tuple():
            return tuple(map(_rounded, value))
        case _:
            return value


def from_json(line: str) -> Event:
    """The event of a line of to_json; ProtocolError where it is none."""
    try:
        fields: dict[str, Any] = json.loads(line)
        kind = _KINDS[fields.pop("type")]
        for name, of in _PARTS.items():
            if name in fields:
                fields[name] = tuple(of(**part) for part in fields[name])
        return kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not an event ({error}): {line[:80]!r}; send one line of JSON each") from error
