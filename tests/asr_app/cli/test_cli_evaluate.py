"""`asr eval` and `asr tune`: figures of a small set, and what manifests and options can have wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_app.errors import AudioFormatError, CheckpointError, ConfigError, OutputError

Asr = Callable[..., Any]


@pytest.fixture
def evaluate(asr: Asr, model_folder: Path) -> Asr:
    """A function (argument, ...) that runs `asr eval` with the whistle recogniser."""
    return lambda *arguments: asr("eval", "--model", model_folder, *arguments)


def test_json(evaluate: Asr, manifest: Path) -> None:
    done = evaluate(manifest, "--json", "--chunk-ms", "320")
    assert (done.code, done.err) == (0, "")
    figures = json.loads(done.out.splitlines()[-1])
    assert (figures["split"], figures["chunk_ms"], figures["decoder"]) == ("test", 320, "beam")
    assert len(figures["model"]) == 64
    assert figures["utterances"] == 3
    assert figures["words"] == 4
    assert figures["wer"] == 25.0
    assert 0 < figures["cer"] < 25
    assert 0 <= figures["wer_ci95"][0] <= 25 <= figures["wer_ci95"][1] <= 100
    assert 0 <= figures["confidence_error"] < 0.5
    assert 0 < figures["rtf"] < 10
    assert figures["peak_memory_mb"] > 10
    assert figures["first_partial_s_p50"] > 0


def test_a_recording_that_cannot_be_read_is_named_and_left_out(evaluate: Asr, manifest: Path) -> None:
    first = json.loads(manifest.read_text().splitlines()[0])["audio"]
    (manifest.parent / first).write_text("no audio")
    done = evaluate(manifest, "--json")
    assert done.code == AudioFormatError.exit_code
    assert first in done.complaint
    assert json.loads(done.out.splitlines()[-1])["utterances"] == 2


def test_a_table(evaluate: Asr, manifest: Path) -> None:
    done = evaluate(manifest)
    assert (done.code, done.err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert rows["wer"] == "25.0"
    assert rows["substitutions"] == "25.0"


@pytest.mark.parametrize("options", [["--decoder", "greedy"], ["--beam", "5"], ["--chunk-ms", "full"]])
def test_options(evaluate: Asr, manifest: Path, options: list[str]) -> None:
    assert evaluate(manifest, "--split", "dev", "--json", *options).code == 0


def test_hypotheses_are_written(evaluate: Asr, manifest: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "heard.jsonl"
    assert evaluate(manifest, "--hypotheses", path).code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["reference"], row["text"]) for row in rows] == [
        ("tan sat", "tan sat"),
        ("nas", "nas"),
        ("tan", "ant"),
    ]
    assert all(Path(row["audio"]).is_file() for row in rows)


def test_several_manifests(evaluate: Asr, manifest: Path) -> None:
    figures = json.loads(evaluate(manifest, manifest, "--json").out)
    assert (figures["utterances"], figures["wer"]) == (6, 25.0)


@pytest.mark.parametrize("place", ["", "file/heard.jsonl"])
def test_hypotheses_that_cannot_be_written(evaluate: Asr, manifest: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    done = evaluate(manifest, "--hypotheses", tmp_path / place)
    assert done.code == OutputError.exit_code
    assert str(tmp_path) in done.complaint
    assert done.out == ""


ROW = {"audio": "0.flac", "text": "tan", "speaker": "me", "duration": 1.0, "split": "test"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no transcribed utterance of the split 'test'"),
        (b"\xff\xfe\0", "cannot read a manifest"),
        (b"tan sat\n", "line 1: not an utterance"),
        (b"3\n", "line 1: not an utterance"),
        (b"\x89PNG\r\n", "line 1: not UTF-8 text"),
        (b'{"text": "tan"}\n', "line 1: not an utterance"),
        (json.dumps(ROW | {"duration": "long"}).encode(), "line 1: not an utterance"),
        (json.dumps(ROW | {"text": 5}).encode(), "line 1: not an utterance"),
        (json.dumps(ROW | {"split": "dev"}).encode(), "no transcribed utterance of the split 'test'"),
        (json.dumps(ROW | {"text": None}).encode(), "no transcribed utterance of the split 'test'"),
        (json.dumps(ROW | {"text": "..."}).encode(), "no transcribed utterance of the split 'test'"),
    ],
)
def test_a_wrong_manifest(evaluate: Asr, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_bytes(content)
    done = evaluate(path)
    assert done.code == ConfigError.exit_code
    assert said in done.complaint
    assert str(path) in done.complaint


def test_manifests_that_are_not_there(evaluate: Asr, tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        done = evaluate(path)
        assert done.code == ConfigError.exit_code
        assert str(path) in done.complaint


def test_a_recording_that_is_not_there(evaluate: Asr, manifest: Path) -> None:
    (manifest.parent / "1.flac").unlink()
    done = evaluate(manifest)
    assert done.code == AudioFormatError.exit_code
    assert "1.flac does not exist" in done.complaint


def test_an_unknown_model(asr: Asr, manifest: Path) -> None:
    for command in ("eval", "tune"):
        assert asr(command, "--model", "klingon", manifest).code == CheckpointError.exit_code


@pytest.fixture
def own_model(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model to tune."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def test_tune(asr: Asr, manifest: Path, own_model: Path) -> None:
    before = (own_model / "model.json").read_text()
    done = asr("tune", "--model", own_model, "--alphas", "0,0.4", "--betas", "1,2.5", "--priors", "0", manifest)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("alpha 0  beta 1  priors 0  wer 0.00  ")
    assert lines[-1] == "best: alpha 0  beta 1  priors 0  wer 0.00"
    assert (own_model / "model.json").read_text() == before


def test_tune_keeps_the_best(asr: Asr, manifest: Path, own_model: Path) -> None:
    arguments = ["--alphas", "0.4", "--betas", "2.5", "--priors", "0.3", "--beam", "30", "--save"]
    assert asr("tune", "--model", own_model, *arguments, manifest).code == 0
    kept = json.loads((own_model / "model.json").read_text())
    assert kept["decoding"] == {"alpha": 0.4, "beta": 2.5, "prior_scale": 0.3, "beam": 30}
    assert sum(kept["label_priors"]["beam"]) == pytest.approx(1.0, abs=1e-4)
    assert asr("eval", "--model", own_model, manifest).code == 0


def test_each_decoder_has_its_own_weights(asr: Asr, manifest: Path, own_model: Path) -> None:
    arguments = ["--decoder", "characters", "--alphas", "0.4", "--betas", "2.5", "--priors", "0.2", "--save"]
    assert asr("tune", "--model", own_model, *arguments, manifest).code == 0
    kept = json.loads((own_model / "model.json").read_text())["decoding"]
    assert (kept["characters_alpha"], kept["characters_beta"], kept["characters_prior_scale"]) == (0.4, 2.5, 0.2)
    assert "alpha" not in kept or kept["alpha"] != 0.4
    assert asr("eval", "--model", own_model, "--decoder", "characters", manifest).code == 0
    assert asr("tune", "--model", own_model, "--decoder", "greedy", manifest).code == ConfigError.exit_code


def test_greedy_decoding_says_what_it_ignores(
    evaluate: Asr, manifest: Path, model_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert evaluate(manifest, "--decoder", "greedy", "--beam", "5", "--lm", model_folder / "lm.bin").code == 0
    assert "ignores --lm, --beam" in caplog.text


@pytest.mark.parametrize("numbers", ["", "high", "1,", "nan", "0.5,inf"])
@pytest.mark.parametrize("option", ["--alphas", "--betas", "--priors"])
def test_wrong_numbers(asr: Asr, manifest: Path, model_folder: Path, option: str, numbers: str) -> None:
    done = asr("tune", "--model", model_folder, f"{option}={numbers}", manifest)
    assert done.code == ConfigError.exit_code
    assert option in done.complaint
