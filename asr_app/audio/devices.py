"""Audio inputs: which there are, and which one is meant."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asr_app.audio.portaudio import ask, open_streams
from asr_app.errors import AudioDeviceError

NO_DEVICE = (
    "no microphone is there: plug one in, or start the sound server (Linux: pipewire or pulseaudio, with the ALSA "
    "plugins that lead to it; Debian: sudo apt install libasound2-plugins)"
)

_ADDRESS = re.compile(r" \(hw:\d+,\d+\)$")
"""That ALSA's names end with: a device that was plugged in again may have another one."""


@dataclass(frozen=True, slots=True)
class InputDevice:
    """Something to record from.

    channels: the most that it has.
    sample_rate: Hz, its own.
    """

    index: int
    name: str
    host_api: str
    channels: int
    sample_rate: int
    is_default: bool


def rescan() -> None:
    """Let PortAudio look for devices anew, unless a stream is open: it does so only when it starts.

    AudioDeviceError where it does not start.
    """
    ask(_restart)


def input_devices() -> list[InputDevice]:
    """All inputs; AudioDeviceError where there is no PortAudio, or it does not answer."""
    return ask(_inputs)


def find_device(wanted: str | int | None = None) -> InputDevice:
    """The input of an index, or of a name or part of one (in any case); the default one for None.

    Raises AudioDeviceError that lists the choices where none or several have the name.
    """
    devices = input_devices()
    if not devices:
        raise AudioDeviceError(NO_DEVICE)
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    if isinstance(wanted, int):
        found = [device for device in devices if device.index == wanted]
    else:
        found = _named(wanted, devices)
    if len(found) == 1:
        return found[0]
    problem = f"several inputs have {wanted!r} in their names" if found else f"no input {wanted!r}"
    raise AudioDeviceError(f"{problem}: choose by number or name: {_listed(found or devices)}")


def cannot_open(device: InputDevice, error: Exception) -> AudioDeviceError:
    """What a PortAudioError means for a user."""
    where = "System Settings > Privacy & Security > Microphone" if sys.platform == "darwin" else "the system's settings"
    reason = str(error).removeprefix("Error opening InputStream: ")
    return AudioDeviceError(
        f"the microphone {device.name!r} cannot be opened ({reason}): close what else uses it, allow its use in "
        f"{where}, or choose another one (`asr devices` lists them)"
    )


def _restart(library: Any) -> None:
    if open_streams:
        return
    try:
        if library._initialized:  # not so after an earlier failure
            library._terminate()
        library._initialize()
    except library.PortAudioError as error:
        raise _does_not_start(error) from error


def _does_not_start(error: Exception) -> AudioDeviceError:
    return AudioDeviceError(f"PortAudio does not start ({error}): restart the sound server")


def _inputs(library: Any) -> list[InputDevice]:
    try:
        hosts = [host["name"] for host in library.query_hostapis()]
    except library.PortAudioError as error:  # an earlier start has failed
        raise _does_not_start(error) from error
    default = _default_index(library)
    return [
        InputDevice(
            index=device["index"],
            name=device["name"],
            host_api=hosts[device["hostapi"]],
            channels=device["max_input_channels"],
            sample_rate=round(device["default_samplerate"]),
            is_default=device["index"] == default,
        )
        for device in library.query_devices()
        if device["max_input_channels"] > 0
    ]


def _default_index(library: Any) -> int | None:
    try:
        return int(library.query_devices(kind="input")["index"])
    except (library.PortAudioError, ValueError):  # there is none
        return None


def _named(wanted: str, devices: Sequence[InputDevice]) -> list[InputDevice]:
    """Devices of exactly this name, else those with this in their names, wherever they are plugged in."""
    lower = wanted.casefold()
    exact = [device for device in devices if device.name.casefold() == lower]
    part = _ADDRESS.sub("", lower)
    return exact[:1] or [device for device in devices if part in device.name.casefold()]


def _listed(devices: Sequence[InputDevice]) -> str:
    return ", ".join(f"{device.index} {device.name} ({device.host_api})" for device in devices)
