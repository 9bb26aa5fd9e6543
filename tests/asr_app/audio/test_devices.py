"""Which inputs there are, and which one is meant."""

import subprocess
import sys

import pytest
from fake_portaudio import FakePortAudio

from asr_app.audio.devices import find_device, input_devices, rescan
from asr_app.errors import AudioDeviceError


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_inputs_are_listed_without_outputs(library: FakePortAudio) -> None:
    listed = [(one.index, one.name, one.channels, one.sample_rate, one.is_default) for one in input_devices()]
    assert listed == [(0, "Built-in Audio", 2, 16_000, True), (2, "USB Headset", 1, 48_000, False)]


@pytest.mark.parametrize("wanted", [2, "usb", "USB Headset", "headset"])
def test_a_device_is_found_by_number_or_part_of_its_name(library: FakePortAudio, wanted: str | int) -> None:
    assert find_device(wanted).name == "USB Headset"


def test_the_default_is_the_systems(library: FakePortAudio) -> None:
    library.default = 2
    assert find_device().name == "USB Headset"


def test_the_first_one_stands_in_for_a_default(library: FakePortAudio) -> None:
    library.default = -1
    assert find_device().name == "Built-in Audio"


def test_a_whole_name_goes_before_parts(library: FakePortAudio) -> None:
    library.devices.append(("USB", 1, 48_000))
    assert find_device("usb").index == 3


def test_a_device_that_was_plugged_in_again_is_found_at_another_address(library: FakePortAudio) -> None:
    library.devices[2] = ("USB Headset: Audio (hw:2,0)", 1, 48_000)
    assert find_device("USB Headset: Audio (hw:1,0)").index == 2
    library.devices.append(("USB Headset: Audio (hw:1,0)", 1, 48_000))
    assert find_device("USB Headset: Audio (hw:1,0)").index == 3


@pytest.mark.parametrize("wanted", [1, 7, "webcam", "u"])
def test_choices_are_named_where_it_is_not_clear(library: FakePortAudio, wanted: str | int) -> None:
    with pytest.raises(AudioDeviceError, match=r"0 Built-in Audio \(ALSA\), 2 USB Headset \(ALSA\)"):
        find_device(wanted)


def test_no_device_says_what_to_do(library: FakePortAudio) -> None:
    library.devices = []
    with pytest.raises(AudioDeviceError, match="plug one in"):
        find_device()


def test_portaudio_that_did_not_start_says_what_to_do(library: FakePortAudio) -> None:
    library.broken = True
    for ask in (rescan, input_devices):
        with pytest.raises(AudioDeviceError, match="restart the sound server"):
            ask()


def test_no_library_says_what_to_install() -> None:
    code = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
        "from asr_app.audio.devices import input_devices\n"
        "from asr_app.errors import AudioDeviceError\n"
        "try: input_devices()\n"
        "except AudioDeviceError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "apt install libportaudio2" in done.stdout
