"""The two commands of the README on machines that lack something, and their second start."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash")
TOOLS = ("bash", "cat", "dirname", "env", "flock", "id", "mktemp", "rm", "sha256sum", "tail", "tee")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the scripts need of the project, in a folder with a space in its name."""
    copy = tmp_path / "a project"
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    shutil.copytree(ROOT / "samples", copy / "samples")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "decoder" / "native", copy / "decoder" / "native")
    return copy


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The programs of a bare machine: no Python, no compiler, no package manager."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    return folder


def program(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{BASH}\n{code}\n", encoding="utf-8")
    path.chmod(0o755)


def start(project: Path, tools: Path, *command: str, python: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(tools), "TMPDIR": str(project.parent), "PYTHON": python}
    script = [str(project / "scripts" / command[0]), *command[1:]]
    return subprocess.run(
        [str(BASH), *script], env=environment, cwd=project.parent, capture_output=True, text=True, check=False
    )


def fingerprint(project: Path, tools: Path) -> str:
    code = f'set -euo pipefail; source "{project}/scripts/environment.sh"; fingerprint'
    done = subprocess.run([str(BASH), "-c", code], env={"PATH": str(tools)}, capture_output=True, text=True, check=True)
    return done.stdout


def install(project: Path, tools: Path) -> None:
    """A finished installation, whose programs say how they are called."""
    programs = project / ".venv" / "bin"
    program(programs / "python", 'if [[ $1 == -VV ]]; then echo Python 3.12; else echo "python $*"; fi')
    program(programs / "asr", 'echo "asr $*"')
    program(programs / "ruff", 'echo "ruff $*"')
    for stamp in ("installed", "installed-test"):
        (project / ".venv" / stamp).write_text(fingerprint(project, tools), encoding="utf-8")


@pytest.mark.parametrize("command", ["demo", "test"])
def test_a_machine_without_python_gets_one_line(project: Path, tools: Path, command: str) -> None:
    done = start(project, tools, command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{command}: needs Python 3.11 or 3.12: install")
    assert done.stderr.count("\n") == 1


def test_another_python_is_not_taken(project: Path, tools: Path) -> None:
    program(tools / "python3", "exit 1")  # the answer of a Python that is too old or too new
    assert start(project, tools, "demo").stderr.startswith("demo: needs Python 3.11 or 3.12")


def test_missing_packages_are_named_in_one_line(project: Path, tools: Path) -> None:
    program(tools / "python3", 'case "$2" in *exit*) ;; *ensurepip*) exit 1 ;; *print*) echo python3.12 ;; esac')
    done = start(project, tools, "demo")
    packages = "build-essential python3.12-venv python3.12-dev"
    assert done.stderr == f"demo: needs {packages}: sudo apt-get install {packages}, then start again\n"
    assert done.returncode == 1
    assert not (project / ".venv").exists()


def test_missing_packages_are_installed_where_that_is_allowed(project: Path, tools: Path) -> None:
    program(tools / "python3", 'case "$2" in *exit*) ;; *ensurepip*) exit 1 ;; *print*) echo python3.12 ;; esac')
    program(tools / "id", "echo 0")
    calls = project.parent / "calls"
    program(tools / "apt-get", f'echo "$*" >> "{calls}"; [[ $2 == update ]]')
    start(project, tools, "demo")
    packages = "build-essential python3.12-venv python3.12-dev"
    install = f"-q install --yes --no-install-recommends {packages}"
    assert calls.read_text(encoding="utf-8").splitlines() == [install, "-q update", install]


def test_the_second_start_transcribes_at_once(project: Path, tools: Path) -> None:
    install(project, tools)
    done = start(project, tools, "demo", "talk one.mp3", "--format", "srt")
    assert (done.stdout, done.stderr) == ("asr transcribe talk one.mp3 --format srt\n", "")
    samples = "samples/kettle.wav samples/train.flac samples/shopping.mp3 samples/weather.ogg"
    assert start(project, tools, "demo").stdout == f"asr transcribe {samples}\n"


def test_checks_end_with_the_tests(project: Path, tools: Path) -> None:
    install(project, tools)
    done = start(project, tools, "test", "-k", "a b")
    assert done.stdout.splitlines()[-1] == "python -m pytest -k a b"
    assert [line.split()[:3] for line in done.stdout.splitlines()[:3]] == [
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--check"],
        ["python", "-m", "mypy"],
    ]


def test_new_dependencies_are_installed(project: Path, tools: Path) -> None:
    install(project, tools)
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    done = start(project, tools, "demo", "talk.mp3")
    assert "demo: installing asr-app into .venv" in done.stderr
    assert done.stdout == "asr transcribe talk.mp3\n"
    again = start(project, tools, "demo", "talk.mp3")
    assert (again.stdout, again.stderr) == ("asr transcribe talk.mp3\n", "")


def test_a_failed_installation_shows_why_and_is_tried_again(project: Path, tools: Path) -> None:
    install(project, tools)
    program(
        project / ".venv" / "bin" / "python",
        'if [[ $* == *install* ]]; then echo "ERROR: no space left"; exit 1; fi; echo Python 3.12',
    )
    (project / ".venv" / "installed").unlink()
    for _ in range(2):
        done = start(project, tools, "demo")
        assert done.returncode == 1
        assert "ERROR: no space left" in done.stderr
        assert "docs/troubleshooting.md" in done.stderr.splitlines()[-1]
        assert done.stdout == ""


def test_ci_runs_the_same_checks() -> None:
    done = subprocess.run(
        [str(BASH), "-n", str(ROOT / ".ci" / "run")], env=os.environ, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert "/scripts/test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
