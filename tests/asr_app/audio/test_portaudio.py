"""Calls of PortAudio that hang: whoever asks gets an answer in time, and nothing is called meanwhile."""

import subprocess
import sys
import threading
from typing import Any

import pytest
from fake_portaudio import FakePortAudio

from asr_app.audio.portaudio import ask
from asr_app.errors import AudioDeviceError


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_an_answer_comes_from_the_library(library: FakePortAudio) -> None:
    assert ask(lambda module: module) is library


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        ask(lambda _: 1 // 0)


def test_a_call_that_hangs_holds_nobody_and_no_other_is_made() -> None:
    answers, done, undone = threading.Event(), list[str](), list[tuple[Any, str]]()

    def hang(_: Any) -> str:
        answers.wait(10)
        return "late"

    try:
        with pytest.raises(AudioDeviceError, match="restart the sound server"):
            ask(hang, undo=lambda *late: undone.append(late), patience_s=0.05)
        with pytest.raises(AudioDeviceError, match="restart the sound server"):
            ask(lambda _: done.append("too early"), patience_s=0.05)
    finally:
        answers.set()
    ask(lambda _: done.append("then"))
    assert done == ["then"]
    assert undone == [(sys.modules["sounddevice"], "late")]


def test_a_program_ends_while_a_call_hangs() -> None:
    code = (
        "import sys, threading, types\n"
        "hang = lambda *_: threading.Event().wait()\n"
        "library = sys.modules['sounddevice'] = types.ModuleType('sounddevice')\n"
        "library._exit_handler = hang\n"
        "import asr_app.audio.portaudio as portaudio\n"
        "try: portaudio.ask(hang, patience_s=0.05)\n"
        "except portaudio.AudioDeviceError: print('no answer')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("no answer\n", "")
