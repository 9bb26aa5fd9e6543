import json
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from asr_app import doctor
from asr_app.cli.doctor import doctor as command
from asr_app.doctor import Examination, Finding


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[str]]]:
    """Run the command with findings in the place of the machine's."""
    app = typer.Typer()
    app.command()(command)

    def call(*arguments: str, **findings: Finding) -> tuple[int, list[str]]:
        checks = {name: lambda finding=finding: finding for name, finding in findings.items()}
        monkeypatch.setattr(doctor, "examination", lambda load: Examination(checks))
        result = CliRunner().invoke(app, arguments)
        return result.exit_code, result.stdout.splitlines()

    return call


def test_a_line_for_each_check(run: Callable[..., tuple[int, list[str]]]) -> None:
    code, lines = run(packages=Finding("ok", "all"), gpu=Finding("warn", "no\ndriver", "install it"))
    assert code == 0
    assert lines == ["ok   packages       all", "warn gpu            no driver: install it"]


def test_a_fail_is_the_exit_code(run: Callable[..., tuple[int, list[str]]]) -> None:
    code, lines = run("--json", packages=Finding("fail", "fehlt: ä", "install it"), gpu=Finding("ok", "there"))
    assert code == 1
    first = json.loads(lines[0])
    assert first.pop("took_s") >= 0
    assert first == {"check": "packages", "state": "fail", "text": "fehlt: ä", "advice": "install it"}
    assert len(lines) == 2
