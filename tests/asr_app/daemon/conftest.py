"""A daemon of the whistle recogniser: in this process's event loop, or as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from asr_app.audio.types import Samples
from asr_app.daemon.client import ControlClient
from asr_app.daemon.runtime import control_socket
from asr_app.errors import DaemonError

PROGRAM = Path(__file__).with_name("whistling_daemon.py")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runtime folder, not made yet."""
    monkeypatch.setenv("ASR_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path / "run"


@pytest.fixture
def recording(tmp_path: Path, whistle: Callable[..., Samples]) -> Path:
    """Three words, the last far from the end: `_tan_`, a pause, `sat`, a pause, and `nas` after ten seconds."""
    path = tmp_path / "speech.wav"
    soundfile.write(path, whistle("__tan" + "_" * 8 + "sat" + "_" * 40 + "nas" + "_" * 20), 16_000)
    return path


class Daemon:
    """A daemon as a process."""

    def __init__(
        self, folder: Path, model: Path, recording: Path, options: tuple[str, ...], more: dict[str, str]
    ) -> None:
        environment = {
            **os.environ,
            "ASR_RUNTIME_DIR": str(folder),
            "ASR_CONFIG": str(recording.with_name("config.toml")),
            "ASR_VOCABULARY": str(recording.with_name("vocabulary.txt")),
            "ASR_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            **more,
        }
        self.config = recording.with_name("config.toml")
        self.config.write_text(f'model = "{model}"\n')
        command = [sys.executable, str(PROGRAM), "--source", str(recording), "--sink", "stdout", *options]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.socket = control_socket(folder)

    def ready(self) -> "Daemon":
        """Wait until it has loaded."""
        deadline = time.monotonic() + 120
        while True:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            try:
                with ControlClient(self.socket) as client:
                    if client.request("status")["state"] != "loading":
                        return self
            except DaemonError:
                pass
            time.sleep(0.05)


@pytest.fixture
def run_daemon(folder: Path, model_folder: Path, recording: Path) -> Iterator[Callable[..., Daemon]]:
    """A function (option, ..., VARIABLE=value, ...) that starts a daemon."""
    daemons: list[Daemon] = []

    def start(*options: str, **environment: str) -> Daemon:
        daemons.append(Daemon(folder, model_folder, recording, options, environment))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.process.kill()
        daemon.process.communicate()
