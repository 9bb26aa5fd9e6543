"""`asr devices`: what can be heard, and how loud it is."""

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_portaudio import FakePortAudio

import asr_app.cli.devices as command
from asr_app.errors import AudioDeviceError


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(command, "_TEST_S", 0.1)
    return fake


def lines(capsys: pytest.CaptureFixture[str], call: Callable[[], Any]) -> list[str]:
    call()
    return capsys.readouterr().out.splitlines()


def test_inputs_are_listed(library: FakePortAudio, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = lines(capsys, command.devices)
    assert first.split() == ["*", "0", *["Built-in", "Audio", "(ALSA,", "2", "channels,", "16000", "Hz)"]]
    assert second.split() == ["2", *["USB", "Headset", "(ALSA,", "1", "channel,", "48000", "Hz)"]]


def test_no_input_is_an_error(library: FakePortAudio) -> None:
    library.devices = []
    with pytest.raises(AudioDeviceError, match="plug one in"):
        command.devices()


def test_levels_are_shown(
    library: FakePortAudio, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.devices.append(("Line", 1, 16_000))
    library.devices.append(("Muted", 1, 16_000))
    library.busy.add(2)
    levels = {0: 0.1, 4: 0.0}  # the line gives nothing
    open_stream = library.InputStream

    def feeding(**options: Any) -> Any:
        stream, device = open_stream(**options), options["device"]
        if device in levels:
            frames = np.full((4000, options["channels"]), levels[device], np.float32)
            threading.Timer(0.01, stream.feed, (frames,)).start()
        return stream

    monkeypatch.setattr(library, "InputStream", feeding)
    built_in, headset, line, muted = lines(capsys, lambda: command.devices(test=True))
    assert "-20 dBFS ####" in built_in
    assert "cannot be opened" in headset
    assert "gives no sound" in line
    assert "digital silence" in muted
