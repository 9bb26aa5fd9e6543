"""Every command of models.recipes with input that is not there, or not what it should be."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from models import recipes
from models.recipes import commands

RECIPES = Path(recipes.__file__).parent
BAD = {
    "data.corpora librispeech none": "none has no transcripts of that form",
    "data.corpora an4 none": "No such file or directory: 'none/etc/an4_train.fileids'",
    "texts.books none --exclude none --output out": "none has no .txt files",
    "texts.books . --exclude junk --output out": "junk is damaged or of another kind",
    "texts.g2p none.toml --lexicon junk --output out": "cannot read the recipe",
    "texts.g2p g2p.toml --lexicon empty --output out": "there are no words to learn",
    "texts.g2p g2p.toml --lexicon hyphens --output out": "the word 'a-b' has other characters than",
    "texts.g2p g2p.toml --lexicon letters --output out": "'ab' is said with 'B', which is none of the phonemes",
    "texts.g2p g2p.toml --lexicon junk --output out": "junk is damaged",
    "texts.itn none.toml --spans spans --proteno pairs --output out": "No such file or directory: 'spans'",
    "texts.itn none.toml --spans junk --proteno pairs --output out": "junk is damaged or of another kind",
    "data.prepare none --output out": "No such file or directory: 'none'",
    "data.prepare junk --output out": "junk, line 1: not UTF-8 text",
    "data.prepare manifest.jsonl --output out": "Error opening 'none.wav'",
    "data.prepare manifest.jsonl --output out --teacher junk": "junk is no ONNX model",
    "data.pseudo_label none --teacher none --output out": "none/decoder.onnx is no ONNX model",
    "data.self_labels none --speech none --output out": "none has no transcript that is sure enough",
    "texts.punctuation none.toml --texts none --lexicon none --output out": "cannot read the recipe",
    "texts.punctuation punctuation.toml --texts none --lexicon none --output out": "No such file or directory: 'none/",
    "data.sentences none --words none --exclude none --output out": "No such file or directory: 'none'",
    "data.sentences none --words junk --exclude manifest.jsonl --output out": "junk is damaged or of another kind",
    "data.sentences none --words junk.gz --exclude manifest.jsonl --output out": "junk.gz is damaged",
    "data.synthesis none --output out": "No such file or directory: 'none'",
    "data.synthesis junk --output out": "junk is damaged or of another kind",
}


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of junk, a manifest whose recording is not there, and recipes that are right."""
    monkeypatch.chdir(tmp_path)
    Path("junk").write_bytes(b"\xff junk\n")
    Path("junk.gz").write_bytes(b"junk")
    Path("empty").touch()
    Path("hyphens").write_text("a-b\tb\n")
    Path("letters").write_text("ab\tb B\n")
    Path("book.txt").write_text("The door was open.\n")
    Path("manifest.jsonl").write_text(json.dumps({"audio": "none.wav", "duration": 1, "split": "train"}) + "\n")
    Path("g2p.toml").write_text('name = "small"\n')
    Path("punctuation.toml").write_text((RECIPES / "punctuation.toml").read_text())


@pytest.mark.usefixtures("_folder")
@pytest.mark.parametrize("command", BAD)
def test_bad_input_is_told_in_a_line(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "ONNX" in BAD[command]:
        pytest.importorskip("onnxruntime", reason="onnxruntime (the extra `train`) is not installed")
    name, *arguments = command.split()
    program = name.rpartition(".")[2]
    monkeypatch.setattr("sys.argv", [f"{program}.py", *arguments])
    with pytest.raises(SystemExit) as done:
        import_module(f"models.recipes.{name}").main()
    assert done.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{program}: ")
    assert BAD[command] in line


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (subprocess.CalledProcessError(1, "flite"), 2, "recite: Command 'flite' returned non-zero exit status 1.\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_else_ends_a_command(
    raised: BaseException,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["recite.py"])

    @commands.command
    def main() -> None:
        raise raised

    with pytest.raises((SystemExit, type(raised))) as done:
        main()
    assert isinstance(done.value, SystemExit)
    assert (done.value.code, capsys.readouterr().err) == (code, told)


def test_every_command_is_told_of() -> None:
    programs = [path for path in RECIPES.rglob("*.py") if "__main__" in path.read_text()]
    commands = {".".join(path.relative_to(RECIPES).with_suffix("").parts) for path in programs}
    assert commands == {command.split()[0] for command in BAD}


@pytest.mark.usefixtures("_folder")
def test_developers_see_the_traceback() -> None:
    command = [sys.executable, "-X", "dev", "-W", "ignore", "-m", "models.recipes.data.corpora", "an4", "none"]
    done = subprocess.run(command, cwd=RECIPES.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
