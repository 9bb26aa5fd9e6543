"""The command line, called in this process as the installed script calls it."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_app.audio.types import Samples
from asr_app.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on standard error, which says what is wrong and what to do."""
        (line,) = self.err.splitlines()
        assert line.startswith("asr: ")
        assert line.isprintable()
        problem, _, remedy = line.removeprefix("asr: ").partition(": ")
        assert problem
        assert remedy
        return line


Asr = Callable[..., Done]


@pytest.fixture(autouse=True)
def _own_vocabulary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test hears the words of whoever runs it."""
    monkeypatch.setenv("ASR_VOCABULARY", str(tmp_path / "vocabulary.txt"))


@pytest.fixture
def asr(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asr:
    """A function (argument, ..., stdin=bytes) that runs `asr` in this process."""

    def run(*arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["asr", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """A function (name, samples, rate, subtype) that writes a recording."""

    def write(name: str, samples: Samples, rate: int = 16_000, subtype: str | None = None) -> Path:
        path = tmp_path / name
        soundfile.write(path, np.asarray(samples), rate, subtype=subtype)
        return path

    return write


@pytest.fixture
def manifest(tmp_path: Path, whistle: Callable[..., Samples], store: Callable[..., Path]) -> Path:
    """Three test utterances, the last with a wrong transcript, and one for tuning."""
    rows = [
        ("tan_sat", "tan sat", "test"),
        ("_nas", "nas", "test"),
        ("ant_", "tan", "test"),
        ("tas_", "tas", "dev"),
    ]
    lines = []
    for number, (whistled, text, split) in enumerate(rows):
        audio = store(f"{number}.flac", whistle(whistled)).name
        lines.append(
            f'{{"audio": "{audio}", "text": "{text}", "speaker": "me", "duration": 1.0, "split": "{split}"}}\n'
        )
    path = tmp_path / "manifest.jsonl"
    path.write_text("".join(lines))
    return path
