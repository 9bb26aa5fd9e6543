"""What holds for every command: quick help, one line for what goes wrong, nothing when the reader has gone."""

import logging
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asr_app.library.models as library
from asr_app import __version__
from asr_app.errors import (
    AsrError,
    AudioDeviceError,
    AudioFormatError,
    CheckpointError,
    ConfigError,
    DeviceError,
    OutputError,
    ProtocolError,
)
from asr_app.native_libraries import SETTINGS

Asr = Callable[..., Any]
Maker = Callable[..., Path]

PROGRAM = [sys.executable, "-m", "asr_app.cli.main"]

RUN = """
import sys
sys.argv = ["asr", *sys.argv[1:]]
{before}
from asr_app.cli.main import main
try:
    main()
finally:
    sys.stderr.write(" ".join(sys.modules))
"""


def run_code(before: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """`asr` in a process of its own, after some Python; standard error ends with the modules it imported."""
    command = [sys.executable, "-c", RUN.format(before=before), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_version(asr: Asr) -> None:
    done = asr("--version")
    assert (done.code, done.out, done.err) == (0, f"asr {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["transcribe", "--help"], ["models", "list"]])
def test_what_must_be_quick_imports_nothing_heavy(arguments: list[str]) -> None:
    done = run_code("", *arguments)
    assert done.returncode == 0
    modules = done.stderr.split()
    for heavy in (
        "torch",
        "torchaudio",
        "textual",
        "numpy",
        "models.checkpoint",
        "decoder.lm",
        "av",
        "soundfile",
    ):
        assert heavy not in modules


def test_help_is_quick() -> None:
    """At most 0.3 s; of processor time, which other work on the machine does not change much."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < 0.3


def test_help_names_every_command(asr: Asr) -> None:
    done = asr("--help")
    assert done.code == 0
    for command in ("transcribe", "eval", "tune", "train", "models", "lm"):
        assert command in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["shout"],
        ["--unknown"],
        ["transcribe", "--unknown", "a.wav"],
        ["transcribe", "a.wav", "--format", "docx"],
        ["transcribe", "a.wav", "--device", "tpu"],
        ["transcribe", "a.wav", "--beam", "-1"],
        ["transcribe", "a.wav", "--threads", "0"],
        ["transcribe", "a.wav", "--pcm", "mp3"],
        ["eval"],
        ["eval", "a.jsonl", "--decoder", "magic"],
        ["train", "a.toml"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line(asr: Asr, arguments: list[str]) -> None:
    done = asr(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "Error" in done.err
    assert "Traceback" not in done.err


def test_a_wrong_choice_is_told_in_plain_words(asr: Asr) -> None:
    told = asr("transcribe", "a.wav", "-f", "txt").err
    assert "'txt' is not one of" in told
    assert "Value error" not in told


@pytest.mark.parametrize(
    "kind",
    [
        AsrError,
        ConfigError,
        AudioFormatError,
        AudioDeviceError,
        CheckpointError,
        DeviceError,
        ProtocolError,
        OutputError,
    ],
)
def test_an_error_has_the_exit_code_of_its_class(
    asr: Asr, monkeypatch: pytest.MonkeyPatch, kind: type[AsrError]
) -> None:
    def fail() -> None:
        raise kind("this is wrong:\ndo that")

    monkeypatch.setattr("asr_app.cli.models.shipped_models", fail)
    done = asr("models", "list")
    assert (done.code, done.err) == (kind.exit_code, "asr: this is wrong: do that\n")


def test_the_exit_codes_differ() -> None:
    kinds = [AsrError, *(kind for kind in AsrError.__subclasses__() if kind.__module__ == AsrError.__module__)]
    assert len({kind.exit_code for kind in kinds} | {0, 70, 130}) == len(kinds) + 3


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("asr_app.cli.models.shipped_models", fail)


def test_a_bug_shows_no_traceback(asr: Asr, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, ZeroDivisionError("division\nby zero"))
    done = asr("models", "list")
    assert done.code == 70
    assert done.complaint == (
        "asr: internal error: ZeroDivisionError: division by zero; `asr --verbose ...` shows the details"
    )


def test_the_details_of_a_bug(asr: Asr, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    broken(monkeypatch, ZeroDivisionError("division by zero"))
    with caplog.at_level(logging.INFO):
        asr("--verbose", "models", "list")
    assert "Traceback" in caplog.text
    assert "in fail" in caplog.text


BUG = "import asr_app.library.models\nasr_app.library.models.find_model = lambda name: 1 // 0"


def test_a_bug_in_a_process_of_its_own() -> None:
    done = run_code(BUG, "models", "info")
    assert done.returncode == 70
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("asr: internal error: ZeroDivisionError: ")
    wordy = run_code(BUG, "--verbose", "models", "info")
    assert wordy.returncode == 70
    assert "Traceback (most recent call last)" in wordy.stderr
    assert wordy.stderr.count("internal error") == 1


WARNINGS = """
import logging, warnings, asr_app.library.models
def warn(*_):
    logging.getLogger("library").warning("a warning")
    logging.getLogger("library").info("a detail")
    warnings.warn("for programmers")
    return []
asr_app.library.models.shipped_models = warn
"""


def test_warnings_are_plain_lines() -> None:
    done = run_code(WARNINGS, "models", "list")
    assert done.returncode == 0
    assert done.stderr.splitlines()[:-1] == ["asr: a warning"]
    wordy = run_code(WARNINGS, "--verbose", "models", "list")
    assert wordy.stderr.startswith("asr: a warning\nasr: a detail\n")
    assert "for programmers" in wordy.stderr


def test_a_stopped_command(asr: Asr, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, KeyboardInterrupt())
    done = asr("models", "list")
    assert done.code == 130
    assert "Traceback" not in done.err


def test_an_error_of_the_system(asr: Asr, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, OSError(28, "No space left on device", "/tmp/x"))
    done = asr("models", "list")
    assert done.code == OutputError.exit_code
    assert done.complaint == (
        "asr: /tmp/x: No space left on device: check the name, the permissions and the space on the disk"
    )


def test_a_reader_that_goes_away_is_no_error() -> None:
    before = "import asr_app.library.models\nasr_app.library.models.shipped_models = lambda: ['x' * 99] * 9999"
    command = [
        sys.executable,
        "-c",
        RUN.format(before=before).replace("sys.stderr.write", "str"),
        "models",
        "list",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_that_cannot_be_written() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*PROGRAM, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == OutputError.exit_code
    assert done.stderr == ("asr: No space left on device: check the name, the permissions and the space on the disk\n")


@pytest.fixture
def two_models(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two recognisers."""
    for name in ("english", "whistle"):
        (tmp_path / name).symlink_to(model_folder)
    monkeypatch.setattr(library, "SHIPPED", tmp_path)
    return tmp_path


def test_models_list(asr: Asr, two_models: Path) -> None:
    done = asr("models", "list")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[:2] for line in done.out.splitlines()[1:3]] == [["english", "shipped"], ["whistle", "shipped"]]


def test_what_ships_is_not_fetched(asr: Asr, two_models: Path) -> None:
    done = asr("models", "pull", "whistle")
    assert done.code == ConfigError.exit_code
    assert done.complaint.endswith("choose it with --model whistle")


def test_models_info(asr: Asr, two_models: Path) -> None:
    import json

    for arguments in ([], ["whistle"]):
        done = asr("models", "info", *arguments)
        assert done.code == 0
        facts = json.loads(done.out)
        assert facts["provenance"] == {"data": "whistled words", "licence": "none"}
        assert facts["megabytes"].keys() == {"lexicon.txt.gz", "lm.bin", "model.json", "model.safetensors"}
        assert facts["heads"][1]["labels"].startswith("<blank> | ' a b c")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format": "asr-app checkpoint", "version": 1}', '{"heads": 3}']
)
def test_models_info_of_a_damaged_model(asr: Asr, tmp_path: Path, content: str) -> None:
    (tmp_path / "model.json").write_text(content)
    done = asr("models", "info", tmp_path)
    assert done.code == CheckpointError.exit_code
    assert str(tmp_path) in done.complaint


def test_models_info_of_an_unknown_model(asr: Asr) -> None:
    done = asr("models", "info", "klingon")
    assert done.code == CheckpointError.exit_code
    assert "no model 'klingon'" in done.complaint


@pytest.mark.parametrize("name", SETTINGS)
def test_native_libraries_are_settled_unless_the_user_did(name: str) -> None:
    """Without them an idle dictation once took a whole core, and a daemon grew by tens of megabytes."""
    told = (
        "import atexit, os, sys; from asr_app.cli.main import main; assert 'numpy' not in sys.modules; "
        f"sys.argv[1:] = ['--version']; atexit.register(lambda: print(os.environ['{name}'])); main()"
    )

    def value(environment: dict[str, str]) -> str:
        done = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]

    environment = {kept: value for kept, value in os.environ.items() if kept not in SETTINGS}
    assert value(environment) == SETTINGS[name]
    assert value({**environment, name: "7"}) == "7"
