"""`asr devices`: microphones and other inputs."""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.errors import AudioDeviceError

if TYPE_CHECKING:
    from asr_app.audio.devices import InputDevice

_TEST_S = 1.0


def devices(
    test: Annotated[bool, typer.Option("--test", help="Listen to each for a second and show its level.")] = False,
) -> None:
    """List the inputs that can be heard: number, name, host API, channels, sample rate; * is the default."""
    from asr_app.audio.devices import NO_DEVICE, input_devices

    found = input_devices()
    if not found:
        raise AudioDeviceError(NO_DEVICE)
    for device in found:
        typer.echo(_line(device) + (f"  {_level(device)}" if test else ""))


def _line(device: "InputDevice") -> str:
    mark = "*" if device.is_default else " "
    form = f"{device.channels} channel{'s' if device.channels > 1 else ''}, {device.sample_rate} Hz"
    return f"{mark} {device.index:3d}  {device.name}  ({device.host_api}, {form})"


def _level(device: "InputDevice") -> str:
    """What a second of a device sounds like, or why it cannot be heard."""
    import numpy as np

    from asr_app.audio.level import FLOOR_DBFS, level_dbfs
    from asr_app.audio.microphone import Microphone

    try:
        with Microphone(device.index) as microphone:
            threading.Timer(_TEST_S, microphone.stop).start()
            heard = [chunk.samples for chunk in microphone]
    except AudioDeviceError as error:
        return str(error)
    if not heard:
        return "gives no sound"
    level = level_dbfs(np.concatenate(heard))
    if level <= FLOOR_DBFS:
        return "digital silence: muted, or not allowed to be heard"
    return f"{level:.0f} dBFS " + "#" * round((level - FLOOR_DBFS) / 4)
