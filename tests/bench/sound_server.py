"""A PulseAudio daemon with a null sink, whose monitor is the default microphone: what is played is what is heard.

It needs Debian's pulseaudio, pulseaudio-utils, libportaudio2 and libasound2-plugins.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MICROPHONE = "pulse"
"""Its name in PortAudio."""

PATIENCE_S = 120.0


class SoundServer:
    """A daemon with a folder of its own; the environment must have what `environment` says before PortAudio starts."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o700)
        self.environment = {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
        self._log, self._processes = folder / "log.txt", list[subprocess.Popen[bytes]]()

    @staticmethod
    def is_installed() -> bool:
        """Whether the programs are there."""
        return all(shutil.which(program) for program in ("pulseaudio", "pactl", "pacat", "paplay"))

    def start(self) -> None:
        """Begin; TimeoutError where it does not."""
        sink = "module-null-sink sink_name=vmic rate=48000 channels=2"
        self._run("pulseaudio", "-n", "--exit-idle-time=-1", "-L", "module-native-protocol-unix", "-L", sink)
        until(lambda: subprocess.run(["pactl", "info"], env=self._all(), capture_output=True).returncode == 0)
        # Without a stream the monitor delivers nothing between sounds.
        self._run("pacat", "-p", "--raw", "--rate=16000", "--channels=1", "--latency-msec=20", "/dev/zero")

    def stop(self) -> None:
        """End at once, as in a crash."""
        self._signal(signal.SIGKILL)
        while self._processes:
            self._processes.pop().wait()

    def hang(self) -> None:
        """Answer nobody any more."""
        self._signal(signal.SIGSTOP)

    def play(self, path: Path) -> None:
        """Play a recording to its end."""
        subprocess.run(["paplay", str(path)], env=self._all(), check=True)

    def _run(self, *command: str) -> None:
        with self._log.open("ab") as log:
            self._processes.append(subprocess.Popen(command, env=self._all(), stdout=log, stderr=log))

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            process.send_signal(number)

    def _all(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if name != "PULSE_SERVER"}
        return {**others, **self.environment}


@contextmanager
def virtual_microphone(folder: Path) -> Iterator[SoundServer]:
    """A daemon that this process and those that it starts hear, for as long as it is needed."""
    server = SoundServer(folder)
    os.environ.update(server.environment)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for what another process or thread does; TimeoutError where it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"this did not happen in {seconds:.0f} s")
        time.sleep(0.05)
