"""`asr distill`: the whistle recogniser teaches a streaming model that has learnt nothing."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from asr_app.audio.types import Samples
from asr_app.distilling import hear, heard_by, paired, recordings_of
from asr_app.errors import ConfigError
from asr_app.recognizer import Recognizer
from models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel
from models.frontend import FrontendConfig
from models.recipes.data.features import Store
from models.recipes.data.samples import HEADS
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, save_wav2vec2
from models.wav2vec2_config import Wav2Vec2Config

Asr = Callable[..., Any]
ENCODER = EncoderConfig(dim=16, layers=1, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
SAID = ["tan sat", "nas", "ant tas", "sat", "tas nas", "nas ant", "sat tan", "ant"]


@pytest.fixture(scope="module")
def untaught(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A streaming recogniser with the whistle recogniser's words."""
    folder = tmp_path_factory.mktemp("untaught") / "model"
    shutil.copytree(model_folder, folder)
    torch.manual_seed(1)
    weights = CtcModel(ENCODER, HEADS).state_dict()
    save_checkpoint(
        folder, Checkpoint(FrontendConfig(), ENCODER, HEADS, weights, {"alpha": 0.5}, {"language": "whistled"})
    )
    return folder


@pytest.fixture
def audio(tmp_path: Path, whistle: Callable[..., Samples], store: Callable[..., Path]) -> Path:
    """A folder of recordings, one of which is none."""
    (tmp_path / "audio" / "deep").mkdir(parents=True)
    for number, text in enumerate(SAID):
        store(f"audio/deep/{number}.wav", whistle(f"__{text}__"))
    (tmp_path / "audio" / "broken.wav").write_bytes(b"RIFF")
    return tmp_path / "audio"


def texts(output: Path, teacher: Path) -> list[str | None]:
    folder = output / heard_by(load_checkpoint(teacher).sha256)
    return [entry.text for name in ("train", "dev") for entry in Store(folder / name).entries]


def test_the_student_learns_and_transcribes(
    asr: Asr, model_folder: Path, untaught: Path, audio: Path, tmp_path: Path
) -> None:
    command = ("distill", "--teacher", model_folder, "--student", untaught, "--audio", audio, "--output")
    done = asr(*command, tmp_path / "run", "--steps", 60, "--confidence", 0.0, "--device", "cpu")
    assert done.code == 0
    assert f"asr transcribe --model {tmp_path / 'run' / 'checkpoint'}" in done.out
    assert sorted(text or "" for text in texts(tmp_path / "run", model_folder)) == sorted(SAID)
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [line["phonemes"] for line in lines if "phonemes" in line]
    assert losses[-1] < 0.95 * losses[0]
    result = load_checkpoint(tmp_path / "run" / "checkpoint")
    assert result.decoding == {"alpha": 0.5}
    assert result.provenance["language"] == "whistled"
    assert asr("transcribe", "--model", tmp_path / "run" / "checkpoint", audio / "deep" / "0.wav").code == 0


def test_what_was_heard_is_not_heard_again_and_a_run_goes_on(
    asr: Asr, model_folder: Path, untaught: Path, audio: Path, tmp_path: Path
) -> None:
    command = ("distill", "--teacher", model_folder, "--student", untaught, "--audio", audio, "--output")
    assert asr(*command, tmp_path / "run", "--steps", 2, "--device", "cpu").code == 0
    before = texts(tmp_path / "run", model_folder)
    assert asr(*command, tmp_path / "run", "--steps", 3, "--device", "cpu").code == 0
    assert texts(tmp_path / "run", model_folder) == before
    assert load_checkpoint(tmp_path / "run" / "checkpoint").provenance["steps"] == 3


def test_a_recording_of_which_a_kill_left_a_part_is_heard_to_its_end(
    model_folder: Path, tmp_path: Path, whistle: Callable[..., Samples], store: Callable[..., Path]
) -> None:
    teacher = Recognizer.load(model_folder)
    (tmp_path / "talk").mkdir()
    path = store("talk/long.wav", whistle("__tan______sat______nas__"))
    path.rename(path.with_name(os.fsdecode(b"caf\xe9.wav")))  # a name that is no UTF-8
    found = recordings_of(path.parent)
    assert list(hear(teacher, found, tmp_path / "run", 0.0)) == found
    folder = tmp_path / "run" / heard_by(teacher.sha256) / "train"
    whole = {entry.key: entry.text for entry in Store(folder).entries}
    assert len(whole) > 1
    lines = (folder / "index.jsonl").read_text().splitlines(keepends=True)
    (folder / "index.jsonl").write_text("".join(lines[:-1]))
    assert list(hear(teacher, found, tmp_path / "run", 0.0)) == found
    entries = Store(folder).entries
    assert len(entries) == len(whole)
    assert {entry.key: entry.text for entry in entries} == whole


def test_a_teacher_that_is_sure_of_nothing(
    asr: Asr, model_folder: Path, untaught: Path, audio: Path, tmp_path: Path
) -> None:
    command = ("distill", "--teacher", model_folder, "--student", untaught, "--audio", audio, "--output")
    done = asr(*command, tmp_path / "run", "--confidence", 1.0, "--device", "cpu")
    assert done.code == ConfigError.exit_code
    assert "sure of no words in these recordings: lower --confidence" in done.err


def test_posteriors_are_learnt_where_the_labels_are_the_same(untaught: Path, model_folder: Path) -> None:
    assert paired(untaught, untaught).shares_labels
    assert not paired(model_folder, untaught).shares_labels


@pytest.mark.parametrize("folder", ["nothing", "empty"])
def test_a_folder_without_recordings(asr: Asr, tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    command = ("distill", "--teacher", "english", "--audio", tmp_path / folder, "--output", tmp_path / "run")
    done = asr(*command)
    assert done.code == ConfigError.exit_code
    assert "name the" in done.complaint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"frontend": FrontendConfig(sample_rate=8000, high_hz=3800.0)},
            "the teacher hears 8000 Hz, the student 16000",
        ),
        ({"provenance": {"language": "sung"}}, "the teacher's language is 'sung', the student's 'whistled'"),
    ],
)
def test_a_teacher_of_another_kind(untaught: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    save_checkpoint(tmp_path / "other", replace(load_checkpoint(untaught), **changes))
    with pytest.raises(ConfigError, match=message):
        paired(tmp_path / "other", untaught)


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_a_network_on_samples_as_the_teacher(untaught: Path, tmp_path: Path, rate: int) -> None:
    config = Wav2Vec2Config(
        3, dim=8, layers=1, heads=1, feed_forward=8, convolutions=((4, 10, 5),), position_groups=1, sample_rate=rate
    )
    weights = Wav2Vec2(config).state_dict()
    save_wav2vec2(tmp_path, Wav2Vec2Checkpoint(config, ("<blank>", "|", "a"), (0, 1, 2), weights))
    if rate == 16_000:
        assert not paired(tmp_path, untaught).shares_labels
    else:
        with pytest.raises(ConfigError, match="the teacher hears 8000 Hz"):
            paired(tmp_path, untaught)


def test_a_student_that_cannot_be_trained(untaught: Path, model_folder: Path) -> None:
    with pytest.raises(ConfigError, match="no streaming model that this program trains"):
        paired(untaught, model_folder)
