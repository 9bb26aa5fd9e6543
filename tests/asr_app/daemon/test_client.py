"""The client of the control socket and `asr ctl`, against a server that says what it is told to."""

import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_app.cli.ctl import run
from asr_app.daemon.client import GONE, ControlClient
from asr_app.daemon.runtime import control_socket
from asr_app.errors import DaemonError

Script = Callable[..., list[Any]]
ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "numpy", "asyncio", "pydantic", "typer", "rich", "decoder", "models")


@pytest.fixture
def script(folder: Path) -> Script:
    """A function (answer, ...) that answers so, a line to each command and the last lines at once, then hangs up."""

    def serve(*answers: bytes) -> list[Any]:
        folder.mkdir(exist_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(control_socket(folder)))
        server.listen()
        asked: list[Any] = []

        def run() -> None:
            connection, _ = server.accept()
            with server, connection, connection.makefile("rb") as lines:
                asked.append(json.loads(lines.readline()))
                connection.sendall(b"".join(answers))

        threading.Thread(target=run, daemon=True).start()
        return asked

    return serve


def test_a_command_and_its_answer(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    asked = script(b'{"ok": true, "model": "english", "device": "cpu"}\n')
    run(["set", "--device", "cpu"])
    assert capsys.readouterr().out == "english on cpu\n"
    assert asked == [{"command": "set", "device": "cpu"}]


def test_following_to_a_good_end(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    asked = script(
        b'{"ok": true, "state": "idle"}\n{"type": "failed", "message": "x"}\n{"type": "state", "state": "stopped"}\n'
    )
    run(["follow"])
    assert [json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()] == ["state", "failed", "state"]
    assert asked == [{"command": "subscribe"}]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (b'{"ok": false, "error": "too late: come earlier"}\n', "too late: come earlier"),
        (b"", GONE),
        (b'{"ok": true, "sta', GONE),
        (b"HTTP/1.1 400 Bad Request\n", "no daemon of this program"),
        (b"[]\n", "no daemon of this program"),
        (b'{"ok": true, "state": "idle"}\n{"type": "part', GONE),
        (b'{"ok": true, "state": "idle"}\n{"ok": false, "error": "too slow: read faster"}\n', "too slow: read faster"),
    ],
)
def test_a_daemon_that_refuses_or_goes_away(script: Script, answer: bytes, complaint: str) -> None:
    script(answer)
    with ControlClient() as client, pytest.raises(DaemonError, match=complaint):
        list(client.follow())


def test_a_daemon_that_hangs(folder: Path) -> None:
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(control_socket(folder)))
        server.listen()
        with ControlClient(timeout_s=0.05) as client, pytest.raises(DaemonError, match="said nothing"):
            client.request("status")


def test_no_daemon(folder: Path) -> None:
    with pytest.raises(DaemonError, match=f"no daemon answers at {folder}.*start it with `asr daemon`"):
        ControlClient()


def test_a_wrong_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["sing"])
    assert ended.value.code == 2
    assert "invalid choice: 'sing'" in capsys.readouterr().err


def test_a_command_is_quick_and_ends_with_its_code(folder: Path) -> None:
    """A few times what Python itself takes, by processor time; without a daemon it ends with its exit code."""
    code = (
        "import sys; from asr_app.cli.entry import main; sys.argv = ['asr', 'ctl', 'status']\n"
        f"try: main()\nfinally: print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    spent, bare = [], []
    for _ in range(3):
        spent.append(seconds(code, DaemonError.exit_code, "[]\n"))
        bare.append(seconds("pass", 0, ""))
    assert min(spent) < 5 * min(bare)


def seconds(code: str, ends: int, says: str) -> float:
    """Of processor, for a Python process that ends and says so."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stdout) == (ends, says), done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
