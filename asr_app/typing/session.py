"""What the desktop session offers, and how its programs are run."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from asr_app.errors import AsrError

Display = Literal["wayland", "x11", "none"]

_TIMEOUT_S = 5.0


class CommandError(AsrError):
    """A program failed; the message leaves out what it wrote, which may repeat what was said."""

    def __init__(self, message: str, *, complaint: str = "", started: bool = True) -> None:
        """complaint: its standard error. started: False where it surely did nothing."""
        super().__init__(message)
        self.complaint, self.started = complaint, started


@dataclass(frozen=True, slots=True)
class Session:
    """The session of a set of environment variables."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    uinput: Path = Path("/dev/uinput")

    @property
    def display(self) -> Display:
        """The kind of display, by the variables that programs need to reach it."""
        offered: dict[Display, bool] = {"wayland": self.has("WAYLAND_DISPLAY"), "x11": self.has("DISPLAY")}
        wanted = self.environment.get("XDG_SESSION_TYPE")
        if wanted == "x11" and offered["x11"]:
            return "x11"
        return next((kind for kind, is_there in offered.items() if is_there), "none")

    def has(self, variable: str) -> bool:
        """Whether a variable says something."""
        return bool(self.environment.get(variable))

    def program(self, name: str) -> str | None:
        """The path of a program; None where it is not installed."""
        return shutil.which(name, path=self.environment.get("PATH"))

    def may_write(self, path: Path) -> bool:
        """Whether a device is there and this user may write it."""
        return os.access(path, os.W_OK)

    def run(self, command: Sequence[str], given: bytes = b"", timeout_s: float = _TIMEOUT_S) -> bytes:
        """Give a program its standard input; its standard output. Never through a shell.

        Output goes to files: a program that leaves a child behind (xclip does) would keep a pipe open for ever.
        Raises CommandError where the program cannot be started, ends with another code than 0, or takes too long.
        """
        name = command[0]
        path = self.program(name)
        if path is None:
            raise CommandError(f"{name} is not installed", started=False)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
            try:
                process = subprocess.Popen(
                    [path, *command[1:]],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=complaints,
                    env={**self.environment, "LC_ALL": "C.UTF-8"},  # they decode by the locale
                    start_new_session=True,
                )
            except OSError as error:
                raise CommandError(f"{name} cannot be started ({error.strerror})", started=False) from error
            with process:
                _converse(process, name, given, timeout_s)
            complaints.seek(0)
            output.seek(0)
            if process.returncode:
                complaint = complaints.read().decode(errors="replace")
                raise CommandError(f"{name} ended with code {process.returncode}", complaint=complaint)
            return output.read()


def _converse(process: "subprocess.Popen[bytes]", name: str, given: bytes, timeout_s: float) -> None:
    """Write a program's input and wait for its end."""
    try:
        process.communicate(given, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise CommandError(f"{name} took longer than {timeout_s:.0f} s") from error
