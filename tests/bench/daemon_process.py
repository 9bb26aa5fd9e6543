"""`asr daemon` with all its servers and the model that ships, and what it holds at rest."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import ONE_THREAD, REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests" / "asr_app"))
sys.path.insert(0, str(REPOSITORY / "tests" / "asr_app" / "daemon"))

import serving
from serving import Addresses

from asr_app.audio.file import read_audio
from asr_app.daemon.client import ControlClient
from asr_app.daemon.runtime import control_socket
from asr_app.errors import DaemonError
from asr_app.library.models import SHIPPED

_START_S, _REST_S = 300.0, 8.0
"""The longest start, and how long connections may linger and the daemon take to give memory back."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of a process: memory that is its alone in MB, descriptors, threads."""

    memory_mb: float
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class Daemon:
    """pid: its process; at: its servers."""

    pid: int
    at: Addresses

    def usage_at_rest(self) -> Usage:
        """When no stream is open and nobody is connected any more."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with ControlClient(self.at.control) as client:
                if client.request("status")["streams"] == {"live": 0, "files": 0}:
                    break
            time.sleep(0.2)
        time.sleep(_REST_S)
        process = Path("/proc") / str(self.pid)
        rows = dict(line.split(":", 1) for line in (process / "smaps_rollup").read_text().splitlines()[1:])
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        private = sum(int(rows[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
        return Usage(round(private / 1024, 1), len(list((process / "fd").iterdir())), int(status["Threads"]))


def speech(seconds: float) -> bytes:
    """The beginning of the recording that ships: s16le of 16,000 Hz."""
    return serving.pcm(read_audio(SHIPPED / "sample.flac")[: int(seconds * serving.RATE)])


@contextmanager
def daemon() -> Iterator[Daemon]:
    """A daemon that is ready; the program exits where it does not end in good order."""
    with tempfile.TemporaryDirectory() as name:
        folder, ports = Path(name), serving.free_ports(3)
        (folder / "none.toml").touch()
        at = Addresses(control_socket(folder), *ports, folder / "wyoming.sock")
        command = [sys.executable, "-m", "asr_app.cli.entry", "daemon", "--sink", "none", "--raw", "--device", "cpu"]
        http, vosk, wyoming = map(str, ports)
        command += ["--http", http, "--vosk", vosk, "--wyoming", wyoming, "--wyoming-socket", str(at.wyoming_socket)]
        names = {"ASR_CONFIG": str(folder / "none.toml"), "ASR_RUNTIME_DIR": name}
        with subprocess.Popen(command, env={**os.environ, **ONE_THREAD, **names}) as process:
            try:
                _wait_for(at.control)
                yield Daemon(process.pid, at)
            finally:
                process.send_signal(signal.SIGTERM)
            if process.wait(60):
                sys.exit(f"the daemon ended with {process.returncode}")


def _wait_for(control: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            with ControlClient(control) as client:
                if client.request("status")["state"] != "loading":
                    return
        except DaemonError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)
