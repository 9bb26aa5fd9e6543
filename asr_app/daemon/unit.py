"""The daemon as a service of the user's systemd: its unit file, systemd.service(5)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from asr_app.errors import OutputError

NAME = "asr.service"
_TEMPLATE = Path(__file__).parents[1] / "resources" / NAME
_TARGET = "graphical-session.target"
_PATIENCE_S = 20.0


def unit_file() -> Path:
    """Where the user's systemd looks for it."""
    return platformdirs.user_config_path("systemd") / "user" / NAME


def start_command() -> list[str]:
    """This installation's daemon; -P: no module of the folder it is started in takes the place of ours."""
    return [sys.executable, "-P", "-m", "asr_app.cli.entry", "daemon"]


def unit_text(command: Sequence[str]) -> str:
    """The unit that runs a command."""
    quoted = " ".join(_quoted(word) for word in command)
    return _TEMPLATE.read_text(encoding="utf-8").replace("{command}", quoted)


def install(command: Sequence[str]) -> Path:
    """Write the unit file, or write it anew; OutputError where that is not possible."""
    path = unit_file()
    written = path.with_name(f".{NAME}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(unit_text(command), encoding="utf-8")
        written.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): check the permissions") from error
    return path


def uninstall() -> bool:
    """Remove the unit file and the link that starts it at login; False where there was none."""
    path = unit_file()
    (path.parent / f"{_TARGET}.wants" / NAME).unlink(missing_ok=True)
    was_there = path.exists()
    path.unlink(missing_ok=True)
    return was_there


def complaints(path: Path) -> list[str]:
    """What `systemd-analyze verify` says of a unit file; nothing where it is content, or not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return []
    command = [program, "--user", "--man=no", "--recursive-errors=no", "verify", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return [f"{program} did not answer: look at the unit file yourself"]
    return [line for line in done.stderr.splitlines() if NAME in line]


def _quoted(word: str) -> str:
    """A word of a command line; systemd would expand % and $ and undo backslashes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if not escaped or any(one.isspace() or one in "\"'\\;" for one in escaped) else escaped
