"""Sessions whose programs are fakes, and one with a real X server and a terminal in it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from asr_app.typing.session import Session

_FAKE = """#!{python} -S
import os, sys, time
program = os.path.basename(sys.argv[0])
with open({log!r}, "ab") as log:
    log.write(repr((program, sys.argv[1:], sys.stdin.buffer.read())).encode() + b"\\n")
{body}
"""


class FakeSession(Session):
    """A session with programs of one's own, each of which writes down how it was called."""

    __slots__ = ()

    @property
    def folder(self) -> Path:
        return Path(self.environment["PATH"])

    @property
    def calls(self) -> list[tuple[str, list[str], bytes]]:
        log = self.folder / "calls"
        return [eval(line) for line in log.read_text().splitlines()] if log.exists() else []

    def install(self, *programs: str, body: str = "") -> None:
        for program in programs:
            path = self.folder / program
            path.write_text(_FAKE.format(python=sys.executable, log=str(self.folder / "calls"), body=body))
            path.chmod(0o755)


@pytest.fixture
def fake_session(tmp_path: Path) -> Iterator[Callable[..., FakeSession]]:
    """A function that makes a session of some variables; ydotoold runs in it, and /dev/uinput may be written."""
    uinput = tmp_path / "uinput"
    uinput.touch()
    folder = tmp_path / "programs"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as ydotoold:
        ydotoold.bind(str(tmp_path / "y"))

        def make(**environment: str) -> FakeSession:
            known = {"PATH": str(folder), "YDOTOOL_SOCKET": str(tmp_path / "y"), "DOTOOL_PIPE": str(tmp_path / "d")}
            return FakeSession({**known, **environment}, uinput)

        yield make


class Desktop:
    """An X server without a screen, and a terminal in it that writes down what is typed."""

    def __init__(self, environment: dict[str, str], heard: Path) -> None:
        self.session, self._heard = Session(environment), heard

    def text(self, expected: str) -> str:
        """What was typed; waits until it is as long as what is expected, and for what may come after that."""
        deadline = time.monotonic() + 20
        while len(self._heard.read_bytes().decode()) < len(expected) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        return self._heard.read_bytes().decode()


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """A new X server with a focused xterm; skips where the programs are missing."""
    missing = [program for program in ("Xvfb", "xterm", "xdotool") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    heard = tmp_path / "heard"
    heard.touch()
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        display = pipe.readline().strip()
    environment = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
    environment |= {"DISPLAY": f":{display}", "LC_ALL": "C.UTF-8", "XDG_SESSION_TYPE": "x11"}
    script = 'stty -icanon -echo min 1 -ixon; echo > "$1.ready"; exec cat > "$1"'
    # the pointer is in the middle of the screen, and the terminal under it: keys go there without a window manager
    terminal = subprocess.Popen(
        ["xterm", "-u8", "-geometry", "100x40+0+0", "-e", "sh", "-c", script, "sh", str(heard)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not Path(f"{heard}.ready").exists():
            assert time.monotonic() < deadline, "xterm does not start"
            time.sleep(0.05)
        subprocess.run(
            ["xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm", "windowfocus", "--sync"],
            env=environment,
            timeout=30,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        yield Desktop(environment, heard)
    finally:
        for process in (terminal, server):
            process.terminate()
            process.wait(10)
