"""The command that makes the shipped recogniser: its steps in order, each done once."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")

CALLED = """#!{bash}
printf '%s\\n' "{name} $*" >> "$LOG"
case "$*" in
  *"$FAILS"*) exit 1 ;;
  "models shrink"*) mkdir -p "${{@: -1}}"; echo weights > "${{@: -1}}/model.safetensors" ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the command needs of the project, and programs that only tell how they are called."""
    project = tmp_path / "project"
    (project / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "train-english", project / "scripts")
    (project / "asr_app" / "resources" / "english").mkdir(parents=True)
    programs = [tmp_path / "bin" / name for name in ("asr", "python", "torchrun")]
    for path in [*programs, project / "scripts" / "build-kenlm"]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(CALLED.format(bash=BASH, name=path.name))
        path.chmod(0o755)
    corpora = ("shared/speech/librispeech_bits", "shared/speech/noise", "open/train-clean-5", "open/an4", "open/vctk")
    for corpus in corpora:
        (tmp_path / corpus).mkdir(parents=True)
        (tmp_path / corpus / "manifest.jsonl").touch()
    return project


def train(project: Path, fails: str = "never") -> tuple[int, list[str]]:
    """The exit code, and what was called."""
    folder = project.parent
    log = folder / "log.txt"
    log.write_text("")
    environment = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "LOG": str(log), "FAILS": fails}
    arguments = [str(folder / name) for name in ("shared", "open", "data")]
    command = [str(BASH), str(project / "scripts" / "train-english"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, log.read_text().splitlines()


def test_all_steps_of_what_there_is(project: Path) -> None:
    code, calls = train(project)
    assert code == 0
    for call in calls:
        words = call.split()
        modules = [word for word in words if word.startswith("models.recipes.")]
        assert all(importlib.util.find_spec(module) for module in modules)
        assert all((ROOT / word).exists() for word in words if word.endswith(".toml"))
    runs = [name for call in calls for name in call.split() if name.startswith("models/recipes/english")]
    order = ("english-first", "english-second", "english-third", "english", "english-rooms")
    assert runs == [f"models/recipes/{name}.toml" for name in order]
    real = [call for call in calls if call.endswith("/data/real") or "/data/real --" in call]
    assert len([call for call in real if "data.prepare" in call]) == 2
    assert not any("/noise/" in call for call in real)
    (last,) = (call for call in calls if call.startswith("asr models shrink"))
    assert any(last.split()[3] in call for call in calls if call.startswith("asr models average"))
    assert not any("an4" in call for call in calls if "/data/open --" in call)
    assert (project / "asr_app" / "resources" / "english" / "model.safetensors").read_text() == "weights\n"


def test_it_goes_on_where_it_stopped(project: Path) -> None:
    code, calls = train(project, fails="english-second.toml")
    assert code == 1
    assert "english-second.toml" in calls[-1]
    code, calls = train(project)
    assert code == 0
    assert "english-second.toml" in calls[0]
    assert train(project) == (0, [])


def test_one_of_two_processes_that_fails_ends_it(project: Path) -> None:
    code, calls = train(project, fails="/data/real --shard 0")
    assert code == 1
    assert not any("english-first" in call for call in calls)


def test_what_it_needs(project: Path) -> None:
    shutil.rmtree(project.parent / "shared")
    assert train(project) == (2, [])
