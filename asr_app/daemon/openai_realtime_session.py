"""What a realtime client may set: the form of its sound, and how turns are found."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr_app.daemon.openai_errors import ApiError
from asr_app.daemon.openai_transcriptions import LANGUAGES, check_model
from asr_app.errors import ProtocolError
from asr_app.voice_activity import VoiceActivityOptions

RATE = 24_000
"""Hz of audio/pcm."""

_BOUNDS = {"threshold": (0.05, 0.95), "prefix_padding_ms": (0, 2000), "silence_duration_ms": (100, 10_000)}

_VOICE = VoiceActivityOptions(hangover_s=0.5)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """voice: how turns are found, None where the client commits them."""

    voice: VoiceActivityOptions | None = _VOICE

    def updated(self, session: object, loaded_model: str) -> "SessionOptions":
        """These with what a session object changes, of either shape; ProtocolError names what cannot be had."""
        if not isinstance(session, dict):
            raise ProtocolError("there is no session: send it as an object")
        if session.get("type", "transcription") != "transcription":
            raise ProtocolError("this server transcribes: send a session of type transcription")
        audio = _part(_part(session, "audio"), "input")
        form = audio.get("format", session.get("input_audio_format", "pcm16"))
        if form not in ("pcm16", {"type": "audio/pcm", "rate": RATE}, {"type": "audio/pcm"}):
            raise ProtocolError(f"this form of audio is not known: send 16-bit mono PCM of {RATE} Hz")
        _check(_part(audio, "transcription") or _part(session, "input_audio_transcription"), Path(loaded_model).name)
        for place in (audio, session):
            if "turn_detection" in place:
                return replace(self, voice=_voice(place["turn_detection"]))
        return self

    @property
    def described(self) -> dict[str, Any]:
        """As the fields of a session object."""
        audio = {"format": {"type": "audio/pcm", "rate": RATE}, "turn_detection": self._turn_detection}
        return {"type": "transcription", "audio": {"input": audio}}

    @property
    def _turn_detection(self) -> dict[str, Any] | None:
        if self.voice is None:
            return None
        return {
            "type": "server_vad",
            "threshold": self.voice.start_probability,
            "prefix_padding_ms": round(1000 * self.voice.pre_roll_s),
            "silence_duration_ms": round(1000 * self.voice.hangover_s),
        }


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    if part is not None and not isinstance(part, dict):
        raise ProtocolError(f"{name} is no object: send one")
    return part or {}


def _check(transcription: dict[str, Any], loaded: str) -> None:
    try:
        check_model(str(transcription.get("model") or loaded), loaded)
    except ApiError as error:
        raise ProtocolError(str(error)) from error
    if str(transcription.get("language") or "en").lower() not in LANGUAGES:
        raise ProtocolError("this language is not known: leave it out, or send en")


def _voice(detection: object) -> VoiceActivityOptions | None:
    if detection is None:
        return None
    if not isinstance(detection, dict) or detection.get("type", "server_vad") != "server_vad":
        raise ProtocolError("turns are found by server_vad, or committed by the client: send that, or null")
    threshold = _number(detection, "threshold", _VOICE.start_probability)
    return VoiceActivityOptions(
        start_probability=threshold,
        end_probability=0.7 * threshold,
        pre_roll_s=_number(detection, "prefix_padding_ms", 1000 * _VOICE.pre_roll_s) / 1000,
        hangover_s=_number(detection, "silence_duration_ms", 1000 * _VOICE.hangover_s) / 1000,
    )


def _number(detection: dict[str, Any], name: str, default: float) -> float:
    value, (least, most) = detection.get(name, default), _BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ProtocolError(f"{name} is no number from {least} to {most}: send one")
    return float(value)
