"""`asr daemon install`: what is written, and what systemd makes of it."""

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from asr_app.cli.install import install
from asr_app.daemon import unit
from asr_app.errors import OutputError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is for Linux")


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(install)
    return app


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # systemd-analyze wants one
    monkeypatch.delenv("XAUTHORITY", raising=False)
    return tmp_path / "config" / "systemd" / "user"


def service(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return dict(parser["Service"])


def test_install_and_uninstall(app: typer.Typer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAUTHORITY", "/tmp/xauth_1")
    said = CliRunner().invoke(app, [], catch_exceptions=False).stdout
    path = home / "asr.service"
    assert said.startswith(f"wrote {path}\nNext:\n")  # and systemd has nothing to say
    assert "systemctl --user enable --now asr" in said
    assert "PrivateTmp=no" in said
    found = service(path)
    assert shlex.split(found["ExecStart"]) == [sys.executable, "-P", "-m", "asr_app.cli.entry", "daemon"]
    assert (found["Type"], found["ProtectSystem"], found["NoNewPrivileges"]) == ("notify", "strict", "yes")
    assert [one.name for one in home.iterdir()] == ["asr.service"]

    wants = home / "graphical-session.target.wants"
    wants.mkdir()
    (wants / "asr.service").symlink_to(path)
    said = CliRunner().invoke(app, ["--uninstall"], catch_exceptions=False).stdout
    assert said.startswith(f"removed {path}\n")
    assert not path.exists()
    assert list(wants.iterdir()) == []
    assert "was not there" in CliRunner().invoke(app, ["--uninstall"], catch_exceptions=False).stdout


def test_the_command_is_one_that_starts(home: Path) -> None:
    done = subprocess.run(
        [*unit.start_command(), "--help"], capture_output=True, text=True, cwd=home.anchor, check=True
    )
    assert "asr ctl" in done.stdout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """Words that systemd would expand, split or unescape reach the program as they are."""
    program = tmp_path / "a program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = unit.install([str(program), "50%h", "$HOME", 'a "b" \\n c;', ""])
    assert unit.complaints(path) == []
    assert service(path)["ExecStart"].endswith(r'a program" 50%%h $$HOME "a \"b\" \\n c;" ""')
    path.write_text(path.read_text().replace("MemoryMax=4G", "MemoryMax=plenty"))
    assert "plenty" in unit.complaints(path)[0]


def test_a_place_that_cannot_be_written(home: Path) -> None:
    home.parent.parent.mkdir()
    home.parent.write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        unit.install(unit.start_command())
