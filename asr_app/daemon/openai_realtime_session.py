"""What a realtime client may set: the form of its sound, what it expects to be said, and how turns are found."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from asr_app.audio.voice_activity import VoiceActivityOptions
from asr_app.daemon import g711
from asr_app.daemon.client_stream import SampleForm
from asr_app.daemon.openai_errors import ApiError
from asr_app.daemon.openai_transcriptions import LANGUAGES, check_model
from asr_app.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Of a client's samples, by its name in the protocol."""

    type: str
    samples: SampleForm

    @property
    def described(self) -> dict[str, Any]:
        """As a session's object has it."""
        return {"type": self.type, "rate": self.samples.rate} if self is _PCM else {"type": self.type}


def _g711(table: g711.Table) -> SampleForm:
    return SampleForm(g711.RATE, 1, lambda data: table[np.frombuffer(data, np.uint8)])


_PCM = AudioFormat("audio/pcm", SampleForm(24_000))
_FORMATS = {
    form.type: form
    for form in (
        _PCM,
        AudioFormat("audio/pcmu", _g711(g711.MU_LAW)),
        AudioFormat("audio/pcma", _g711(g711.A_LAW)),
    )
}
_FORMER_NAMES = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
"""Those of transcription_session.update."""

_BOUNDS = {"threshold": (0.05, 0.95), "prefix_padding_ms": (0, 2000), "silence_duration_ms": (100, 10_000)}

_VOICE = VoiceActivityOptions(hangover_s=0.5)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """prompt: see Hints. voice: how turns are found, None where the client commits them."""

    format: AudioFormat = _PCM
    prompt: str = ""
    voice: VoiceActivityOptions | None = _VOICE

    def updated(self, session: object, loaded_model: str) -> "SessionOptions":
        """These with what a session object changes, of either shape; ProtocolError names what cannot be had."""
        if not isinstance(session, dict):
            raise ProtocolError("there is no session: send it as an object")
        if session.get("type", "transcription") != "transcription":
            raise ProtocolError("this server transcribes: send a session of type transcription")
        audio = _part(_part(session, "audio"), "input")
        wanted = self
        form = audio.get("format", session.get("input_audio_format"))
        if form is not None:
            wanted = replace(wanted, format=_format(form))
        if transcription := _part(audio, "transcription") or _part(session, "input_audio_transcription"):
            _check(transcription, Path(loaded_model).name)
            wanted = replace(wanted, prompt=_prompt(transcription))
        for place in (audio, session):
            if "turn_detection" in place:
                return replace(wanted, voice=_voice(place["turn_detection"]))
        return wanted

    @property
    def described(self) -> dict[str, Any]:
        """As the fields of a session object."""
        audio = {"format": self.format.described, "turn_detection": self._turn_detection}
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


def _format(form: object) -> AudioFormat:
    """As {"type": "audio/pcm", "rate": 24000}, or by its former name."""
    told = form if isinstance(form, dict) else {"type": _FORMER_NAMES.get(str(form))}
    known = _FORMATS.get(str(told.get("type")))
    if known is None or told.get("rate", known.samples.rate) != known.samples.rate:
        raise ProtocolError(
            f"this form of audio is not known: send 16-bit mono audio/pcm of {_PCM.samples.rate} Hz, "
            f"or audio/pcmu or audio/pcma of {g711.RATE} Hz"
        )
    return known


def _prompt(transcription: dict[str, Any]) -> str:
    prompt = transcription.get("prompt") or ""
    if not isinstance(prompt, str):
        raise ProtocolError("the prompt is no text: send one, or leave it out")
    return prompt


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
