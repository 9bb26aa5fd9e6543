"""The program as a shell starts it: Ctrl-C at once, streams that are closed, letters that a terminal lacks."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asr_app.cli.entry import main
from asr_app.errors import DaemonError
from asr_app.words.vocabulary import Entry, write_vocabulary

PROGRAM = f"{sys.executable} -m asr_app.cli.entry"


def shell(command: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """A command line that a shell runs, with variables more."""
    return subprocess.run(
        command, shell=True, capture_output=True, text=True, errors="replace", check=False, env={**os.environ, **more}
    )


class Interrupting:
    """An import system in which Ctrl-C comes while a module is looked for."""

    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(self, name: str, *_: Any) -> None:
        if name == self._module:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("command", "module"), [("models", "asr_app.cli.main"), ("ctl", "asr_app.cli.ctl")])
def test_ctrl_c_while_modules_are_loaded(monkeypatch: pytest.MonkeyPatch, command: str, module: str) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(module), *sys.meta_path])
    monkeypatch.setattr(sys, "argv", ["asr", command])
    with pytest.raises((SystemExit, KeyboardInterrupt)) as ended:
        main()
    assert ended.value.args == (130,)


def test_streams_that_are_closed_lead_nowhere(tmp_path: Path) -> None:
    done = shell(f"{PROGRAM} models list <&- >&-")
    assert (done.returncode, done.stderr) == (0, "")
    done = shell(f"{PROGRAM} ctl status 2>&-", XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (DaemonError.exit_code, "")


def test_letters_that_the_output_lacks_are_told_by_number(tmp_path: Path) -> None:
    write_vocabulary(tmp_path / "words.txt", [Entry("Dvořák")])
    variables = {"PYTHONIOENCODING": "latin-1", "ASR_VOCABULARY": str(tmp_path / "words.txt")}
    done = subprocess.run(
        [*PROGRAM.split(), "vocabulary", "list"], capture_output=True, check=False, env={**os.environ, **variables}
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Dvo\\u0159\xe1k\n", b"")
