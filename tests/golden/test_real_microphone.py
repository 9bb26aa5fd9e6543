"""A real sound server with a null sink as the microphone: what is played into it comes out as words.

ASR_REAL_MICROPHONE=1 runs it; it needs Debian's pulseaudio, pulseaudio-utils, libportaudio2 and libasound2-plugins, and
a machine with little else to do: sound does not wait.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asr_app.audio.devices import input_devices
from asr_app.audio.microphone import Microphone
from asr_app.errors import AudioDeviceError
from asr_app.events import AudioGap, Event, Final, Partial, SpeechEnded, SpeechStarted
from asr_app.library import DEFAULT_MODEL, DESCRIPTION, SHIPPED
from asr_app.live import LiveSession, State
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from decoder.metrics import word_errors
from decoder.normalize import normalize

SAMPLES = Path(__file__).parents[2] / "samples"
SPOKEN = "Good morning. Could you please put the kettle on and open the window?"

pytestmark = [
    pytest.mark.microphone,
    pytest.mark.slow,
    pytest.mark.skipif("ASR_REAL_MICROPHONE" not in os.environ, reason="ASR_REAL_MICROPHONE=1 runs it"),
    pytest.mark.skipif(shutil.which("pulseaudio") is None or shutil.which("paplay") is None, reason="no pulseaudio"),
    pytest.mark.skipif(not (SHIPPED / DEFAULT_MODEL / DESCRIPTION).is_file(), reason="no recogniser ships here"),
]


class SoundServer:
    """A PulseAudio daemon of our own with a null sink, which PortAudio's device `pulse` records."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._processes = folder, list[subprocess.Popen[bytes]]()

    def start(self) -> None:
        sink = "module-null-sink sink_name=vmic rate=48000 channels=2"
        self._run("pulseaudio", "-n", "--exit-idle-time=-1", "-L", "module-native-protocol-unix", "-L", sink)
        try:
            until(lambda: subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode == 0)
        except AssertionError:
            pytest.skip("pulseaudio does not start here")
        # Without a stream the monitor delivers nothing between sounds.
        self._run("pacat", "-p", "--raw", "--rate=16000", "--channels=1", "--latency-msec=20", "/dev/zero")

    def stop(self) -> None:
        while self._processes:
            process = self._processes.pop()
            process.send_signal(signal.SIGKILL)
            process.wait(10)

    def play(self, name: str) -> None:
        subprocess.run(["paplay", str(SAMPLES / name)], check=True, timeout=60)

    def _run(self, *command: str) -> None:
        with (self._folder / "log.txt").open("ab") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    folder = tmp_path_factory.mktemp("sound")
    folder.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    server = SoundServer(folder)
    try:
        server.start()
        if not sees_the_server():
            pytest.skip("PortAudio does not see the sound server: libportaudio2 or libasound2-plugins is missing")
        yield server
    finally:
        server.stop()


def sees_the_server() -> bool:
    try:
        return any("pulse" in device.name for device in input_devices())
    except AudioDeviceError:
        return False


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_words_come_out_of_a_real_microphone_that_is_lost_and_found(server: SoundServer) -> None:
    recognizer = Recognizer.load(SHIPPED / DEFAULT_MODEL, RecognizerOptions(chunk_ms=320, device="cpu"))
    session, events = LiveSession(recognizer, Microphone("pulse")), list[Event]()
    session.start()
    reader = threading.Thread(target=lambda: events.extend(session.events()))
    reader.start()
    try:
        until(lambda: session.status.position_s > 0.5)
        server.play("kettle.wav")
        until(lambda: any(isinstance(event, SpeechEnded) for event in events))
        server.stop()
        until(lambda: session.status.state is State.RECONNECTING)
        server.start()
        until(lambda: session.status.state is State.LISTENING)
        server.play("kettle.wav")
        until(lambda: sum(isinstance(event, SpeechEnded) for event in events) == 2)
    finally:
        session.stop()
        assert session.join(30)
        reader.join(10)
    check(events)


def check(events: list[Event]) -> None:
    """Twice the words, each time from the first to the last, with what was lost between."""
    assert any(isinstance(event, Partial) for event in events)
    gap = next(k for k, event in enumerate(events) if isinstance(event, AudioGap))
    for said in (events[:gap], events[gap:]):
        assert sum(isinstance(event, SpeechStarted) for event in said) == 1
        heard = " ".join(event.text for event in said if isinstance(event, Final))
        assert word_errors(normalize(SPOKEN) or "", heard).rate < 0.35
        assert heard.endswith("window")
