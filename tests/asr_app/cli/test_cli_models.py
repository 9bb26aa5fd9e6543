"""`asr models shrink` and `average`: recognisers made of others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from asr_app.errors import CheckpointError, ConfigError

Asr = Callable[..., Any]


def test_a_shrunk_recogniser_is_whole(asr: Asr, model_folder: Path, tmp_path: Path, manifest: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "lexicon.txt.gz").write_bytes(b"of an earlier model")
    done = asr("models", "shrink", model_folder, "--output", tmp_path / "small")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{tmp_path / 'small'}: weights of ")
    assert {path.name for path in (tmp_path / "small").iterdir()} == {path.name for path in model_folder.iterdir()}
    figures = [asr("eval", "--model", folder, manifest).out for folder in (model_folder, tmp_path / "small")]
    assert [line for line in figures[0].splitlines() if line.startswith("wer")] == [
        line for line in figures[1].splitlines() if line.startswith("wer")
    ]


def test_what_lies_in_folders_beside_a_model_is_kept(asr: Asr, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "own" / "tagger").mkdir(parents=True)
    for path in model_folder.iterdir():
        (tmp_path / "own" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "own" / "tagger" / "tagger.json").write_text("{}")
    assert asr("models", "shrink", tmp_path / "own", "--output", tmp_path / "small").code == 0
    assert (tmp_path / "small" / "tagger" / "tagger.json").read_text() == "{}"


def test_a_recogniser_is_not_shrunk_into_itself(asr: Asr, model_folder: Path) -> None:
    before = (model_folder / "model.json").read_bytes()
    done = asr("models", "shrink", model_folder, "--output", model_folder)
    assert done.code == ConfigError.exit_code
    assert "name another folder" in done.complaint
    assert (model_folder / "model.json").read_bytes() == before


def test_there_must_be_a_recogniser(asr: Asr, tmp_path: Path) -> None:
    done = asr("models", "shrink", "nowhere", "--output", tmp_path / "small")
    assert done.code == CheckpointError.exit_code


def test_the_mean_of_a_recogniser_with_itself(asr: Asr, model_folder: Path, tmp_path: Path, manifest: Path) -> None:
    done = asr("models", "average", model_folder, model_folder, "--output", tmp_path / "mean")
    assert (done.code, done.err, done.out) == (0, "", f"{tmp_path / 'mean'}: the mean of 2\n")
    assert {path.name for path in (tmp_path / "mean").iterdir()} == {path.name for path in model_folder.iterdir()}
    assert asr("eval", "--model", tmp_path / "mean", manifest).code == 0
    assert asr("models", "average", model_folder, "--output", model_folder).code == ConfigError.exit_code
