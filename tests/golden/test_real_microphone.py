"""A real sound server with a null sink as the microphone: what is played into it comes out as words."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asr_app.audio.devices import input_devices, rescan
from asr_app.audio.microphone import Microphone
from asr_app.errors import AudioDeviceError
from asr_app.events import AudioGap, Event, Final, Partial
from asr_app.library.models import DEFAULT_MODEL, DESCRIPTION, SHIPPED
from asr_app.live.session import LiveSession, State
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from decoder.metrics import word_errors
from decoder.normalize import normalize

TESTS = Path(__file__).parents[1]
RECORDING = TESTS.parent / "samples" / "kettle.wav"
SPOKEN = "Good morning. Could you please put the kettle on and open the window?"
TRIES = 3  # on a machine with too much to do, sound stutters

pytestmark = [pytest.mark.microphone, pytest.mark.slow]


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module sound_server."""
    monkeypatch.syspath_prepend(TESTS / "bench")
    return importlib.import_module("sound_server")


@pytest.fixture
def server(sound: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if not sound.SoundServer.is_installed():
        pytest.skip("pulseaudio or pulseaudio-utils is not installed")
    server = sound.SoundServer(tmp_path)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    try:
        try:
            server.start()
        except TimeoutError:
            pytest.skip("pulseaudio does not start here")
        if not sees(sound.MICROPHONE):
            pytest.skip("PortAudio does not see the sound server: libportaudio2 or libasound2-plugins is missing")
        yield server
    finally:
        server.stop()


def sees(name: str) -> bool:
    try:
        rescan()
        return any(name in device.name for device in input_devices())
    except AudioDeviceError:
        return False


@pytest.mark.skipif(not (SHIPPED / DEFAULT_MODEL / DESCRIPTION).is_file(), reason="no recogniser ships here")
def test_words_come_out_of_a_microphone_that_is_lost_and_found(server: Any, sound: Any) -> None:
    recognizer = Recognizer.load(SHIPPED / DEFAULT_MODEL, RecognizerOptions(chunk_ms=320, device="cpu"))
    session, events = LiveSession(recognizer, Microphone(sound.MICROPHONE)), list[Event]()
    session.start()
    reader = threading.Thread(target=lambda: events.extend(session.events()), daemon=True)
    reader.start()

    def is_heard() -> bool:
        """Whether the recording, played once, comes out right, to its last word."""
        known = len(events)
        server.play(RECORDING)
        end_s = session.status.position_s + session.status.waiting_s
        sound.until(lambda: session.status.position_s > end_s + 2 and session.status.state is State.LISTENING)
        heard = " ".join(event.text for event in events[known:] if isinstance(event, Final))
        return word_errors(normalize(SPOKEN) or "", heard).rate < 0.35 and heard.endswith("window")

    try:
        sound.until(lambda: session.status.position_s > 0.5)
        assert any(is_heard() for _ in range(TRIES))
        known = len(events)
        server.stop()
        sound.until(lambda: session.status.state is State.RECONNECTING)
        server.start()
        sound.until(lambda: session.status.state is State.LISTENING)
        assert any(is_heard() for _ in range(TRIES))
    finally:
        session.stop()
        assert session.join(sound.PATIENCE_S)
    reader.join(10)
    assert any(isinstance(event, Partial) for event in events)
    assert any(isinstance(event, AudioGap) for event in events[known:])
    assert session.status.state is State.STOPPED


def test_stopping_does_not_wait_for_a_sound_server_that_hangs(server: Any, sound: Any) -> None:
    heard = threading.Event()

    def listen() -> None:
        with microphone:
            for _ in microphone:
                heard.set()

    microphone, thread = Microphone(sound.MICROPHONE), threading.Thread(target=listen, daemon=True)
    thread.start()
    assert heard.wait(sound.PATIENCE_S)
    server.hang()
    began = time.monotonic()
    microphone.stop()
    thread.join(sound.PATIENCE_S)
    assert time.monotonic() - began < 20


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.skipif(not (SHIPPED / DEFAULT_MODEL / DESCRIPTION).is_file(), reason="no recogniser ships here")
def test_the_screen_stays_whole_when_the_sound_server_dies(server: Any, sound: Any, tmp_path: Path) -> None:
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-f", os.devnull]

    def run(*arguments: str) -> str:
        return subprocess.run([*tmux, *arguments], capture_output=True, text=True, check=True).stdout

    def is_shown(text: str) -> bool:
        return text in run("capture-pane", "-p")

    program = shlex.join([sys.executable, "-m", "asr_app.cli.main", "dictate", "--microphone", sound.MICROPHONE])
    run("new-session", "-d", "-x", "80", "-y", "24", f"{program}; sleep 1000")
    try:
        sound.until(lambda: is_shown("Listening"))
        server.play(RECORDING)
        sound.until(lambda: is_shown("kettle"))
        server.stop()
        sound.until(lambda: is_shown("Reconnecting"))
        server.start()
        sound.until(lambda: is_shown("Listening"))
        screen = run("capture-pane", "-p")
    finally:
        run("kill-server")
    assert "kettle" in screen
    assert not re.search("ALSA|Expression|error", screen)
