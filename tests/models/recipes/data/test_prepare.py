import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.data import prepare as module
from models.recipes.data.features import Store, dequantise
from models.recipes.data.prepare import Copies, load, main, prepare, surroundings, utterances_of


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Four recordings of half a second, one of every split; the manifest."""
    folder = tmp_path / "corpus"
    (folder / "ann").mkdir(parents=True)
    lines = []
    for number, split in enumerate(("train", "dev", "test", "unlabelled")):
        noise = np.random.default_rng(number).normal(0, 0.1, 8000).astype(np.float32)
        soundfile.write(folder / "ann" / f"{number}.wav", noise, 16000, subtype="FLOAT")
        text = None if split == "unlabelled" else f"text {number}"
        line = {"audio": f"ann/{number}.wav", "text": text, "speaker": "ann", "duration": 0.5, "split": split}
        lines.append(json.dumps(line) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines))
    return folder / "manifest.jsonl"


def test_the_test_split_is_refused(corpus: Path) -> None:
    with pytest.raises(ValueError, match="the test split is for evaluation only"):
        list(utterances_of([corpus], ["train", "test"]))


def test_the_command_refuses_the_test_split(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = corpus.parent.parent / "out"
    command = ["prepare", str(corpus), "--output", str(output), "--splits", "test"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        main()
    assert "the test split is for evaluation only" in capsys.readouterr().err
    assert not output.exists()


def test_utterances_of_splits_have_keys(corpus: Path) -> None:
    found = dict(utterances_of([corpus], ["train", "unlabelled"]))
    assert list(found) == ["corpus/ann/0.wav", "corpus/ann/3.wav"]
    assert found["corpus/ann/3.wav"].text is None


def test_stores_hold_the_features_of_every_speed(corpus: Path, tmp_path: Path) -> None:
    utterances = list(utterances_of([corpus], ["train", "unlabelled"]))
    prepare(utterances, tmp_path / "out", Copies(), None, 2)
    store = Store(tmp_path / "out" / "features-2")
    assert [(entry.key, entry.text) for entry in store.entries] == [
        ("corpus/ann/0.wav@1", "text 0"),
        ("corpus/ann/3.wav@1", None),
        ("corpus/ann/0.wav@0.9", "text 0"),
        ("corpus/ann/3.wav@0.9", None),
        ("corpus/ann/0.wav@1.1", "text 0"),
        ("corpus/ann/3.wav@1.1", None),
    ]
    assert [entry.frames for entry in store.entries] == [48, 48, 54, 54, 43, 43]
    assert {entry.speaker for entry in store.entries} == {"ann"}
    samples = load(corpus.parent / "ann" / "0.wav", 1.0)
    expected = Frontend(FrontendConfig())(torch.from_numpy(samples)).numpy()
    stored = dequantise(store.rows(store.entries[0]))  # type: ignore[arg-type]
    assert np.abs(stored - expected).max() < 0.05
    assert not (tmp_path / "out" / "teacher-2").exists()


def test_preparing_again_adds_what_is_missing(corpus: Path, tmp_path: Path) -> None:
    utterances = list(utterances_of([corpus], ["train", "unlabelled"]))
    prepare(utterances, tmp_path / "whole", Copies((1.0, 0.9)), None, 0)
    prepare(utterances[:1], tmp_path / "twice", Copies((1.0,)), None, 0)
    prepare(utterances, tmp_path / "twice", Copies((1.0, 0.9)), None, 0)
    whole, twice = (Store(tmp_path / name / "features-0") for name in ("whole", "twice"))
    assert twice.entries == whole.entries
    assert (tmp_path / "twice/features-0/rows.bin").read_bytes() == (
        tmp_path / "whole/features-0/rows.bin"
    ).read_bytes()


def test_two_recordings_have_no_key_in_common(corpus: Path, tmp_path: Path) -> None:
    """The second one would be taken for the first, and left out."""
    other = tmp_path / "other" / "corpus"
    other.mkdir(parents=True)
    (other / "manifest.jsonl").write_text(corpus.read_text())
    with pytest.raises(ValueError, match=r"both be called corpus/ann/0\.wav: rename one of their folders"):
        list(utterances_of([corpus, other / "manifest.jsonl"], ["train"]))
    again = corpus.parent / "ann" / ".." / "manifest.jsonl"
    assert len(dict(utterances_of([corpus, corpus, again], ["train"]))) == 1


def test_recordings_may_lie_elsewhere(corpus: Path, tmp_path: Path) -> None:
    elsewhere = corpus.parent / "ann" / "0.wav"
    (tmp_path / "other").mkdir()
    manifest = tmp_path / "other" / "manifest.jsonl"
    manifest.write_text(json.dumps({"audio": str(elsewhere), "duration": 0.5, "split": "train"}) + "\n")
    utterances = list(utterances_of([manifest], ["train"]))
    assert [key for key, _ in utterances] == [f"other/{elsewhere}"]
    prepare(utterances, tmp_path / "out", Copies((1.0,)), None, 0)
    assert [entry.frames for entry in Store(tmp_path / "out" / "features-0").entries] == [48]


@pytest.mark.parametrize(("samples", "rate"), [(0, 8000), (0, 16000), (399, 16000), (240, 48000)])
def test_a_recording_without_sound_is_named(tmp_path: Path, samples: int, rate: int) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(samples, np.float32), rate)
    with pytest.raises(ValueError, match=r"empty\.wav has no 30 ms of sound"):
        load(tmp_path / "empty.wav", 1.0)


@pytest.mark.parametrize("speed", [0.9, 1.0, 1.1])
def test_the_shortest_recording_has_a_frame(tmp_path: Path, speed: float) -> None:
    soundfile.write(tmp_path / "short.wav", np.zeros(round(0.03 * speed * 22050) + 1, np.float32), 22050)
    assert len(module.log_mel(load(tmp_path / "short.wav", speed), Frontend(FrontendConfig()))) == 1


def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    with pytest.raises(OSError, match=r"torn\.wav"):
        load(tmp_path / "torn.wav", 1.0)


class ShortTeacher:
    """Hears a number in every frame: the energy of 40 ms."""

    width = 1

    def __init__(self, _: Path) -> None: ...

    def encode(self, samples: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        frames = samples[: len(samples) // 640 * 640].reshape(-1, 640)
        return (frames**2).mean(1, keepdims=True).astype(np.float16)


def test_voices_and_distorted_takes(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ZipformerTeacher", ShortTeacher)
    monkeypatch.setattr(module, "ROOMS", 2)
    utterances = list(utterances_of([corpus], ["train"]))
    prepare(utterances, tmp_path / "out", Copies((1.0,), voices=2, distorted=2, noise=(corpus,)), Path("teacher"), 0)
    features, targets = (Store(tmp_path / "out" / f"{name}-0") for name in ("features", "teacher"))
    clean = [f"corpus/ann/0.wav@{kind}" for kind in ("1", "1+1", "1+2")]
    assert [entry.key for entry in targets.entries] == clean
    assert [entry.key for entry in features.entries] == [key + take for key in clean for take in ("", "~1", "~2")]
    lengths = {entry.key: entry.frames for entry in features.entries}
    for key in clean:
        assert lengths[f"{key}~1"] == lengths[f"{key}~2"] == lengths[key]
    rows = [features.rows(entry).tobytes() for entry in features.entries]
    assert len(set(rows)) == len(rows)
    assert {entry.text for entry in features.entries} == {"text 0"}


def test_a_teacher_may_come_later(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ZipformerTeacher", ShortTeacher)
    utterances = list(utterances_of([corpus], ["train", "unlabelled"]))
    for teacher in (None, Path("teacher")):
        prepare(utterances, tmp_path / "out", Copies((1.0,)), teacher, 0)
    features, targets = (Store(tmp_path / "out" / f"{name}-0") for name in ("features", "teacher"))
    keys = [f"{key}@1" for key, _ in utterances]
    assert [entry.key for entry in features.entries] == [entry.key for entry in targets.entries] == keys


def test_a_copy_is_the_same_in_every_shard_and_order(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOMS", 2)
    utterances = list(utterances_of([corpus], ["train", "unlabelled"]))
    copies = Copies((1.0,), voices=1, distorted=1)
    prepare(utterances, tmp_path / "out", copies, None, 0)
    prepare(utterances[::-1][:1], tmp_path / "out", copies, None, 1)
    all_of_them, one = (Store(tmp_path / "out" / f"features-{shard}") for shard in (0, 1))
    entries = {entry.key: entry for entry in all_of_them.entries}
    assert len(one.entries) == 4
    for entry in one.entries:
        assert np.array_equal(one.rows(entry), all_of_them.rows(entries[entry.key]))


def test_noise_of_the_test_split_is_not_mixed_in(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOMS", 1)
    noises = surroundings((corpus,)).noises
    assert len(noises) == 1
    assert np.array_equal(noises[0], load(corpus.parent / "ann" / "0.wav", 1.0))


def test_shards_share_the_work(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for shard in ("0", "1"):
        command = ["prepare", str(corpus), "--output", str(tmp_path / "out"), "--speeds", "1"]
        monkeypatch.setattr("sys.argv", [*command, "--shards", "2", "--shard", shard])
        main()
    indices = sorted((tmp_path / "out").glob("features-*/index.jsonl"))
    assert len(indices) == 2
    found = [json.loads(line)["key"] for index in indices for line in index.read_text().splitlines()]
    assert sorted(found) == ["corpus/ann/0.wav@1", "corpus/ann/3.wav@1"]


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 2), (44100, 1), (48000, 2)])
def test_recordings_become_16_khz_mono(tmp_path: Path, rate: int, channels: int) -> None:
    time = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "a.wav", np.stack([tone] * channels, 1), rate)
    samples = load(tmp_path / "a.wav", 1.0)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(16000, abs=1)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(samples)) / 16000)
    assert np.abs(samples - expected)[500:-500].max() < 5e-3


def loudest_hertz(samples: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.abs(np.fft.rfft(samples)).argmax() * 16000 / len(samples))


@pytest.mark.parametrize("speed", [0.9, 1.0, 1.1])
def test_speed_changes_tempo_and_pitch(tmp_path: Path, speed: float) -> None:
    time = np.arange(16000) / 16000
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 500 * time), 16000)
    samples = load(tmp_path / "a.wav", speed)
    assert len(samples) == pytest.approx(16000 / speed, rel=0.01)
    assert loudest_hertz(samples) == pytest.approx(500 * speed, rel=0.01)


def test_keys_do_not_depend_on_how_the_manifest_is_written(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absolute = [key for key, _ in utterances_of([corpus], ["train"])]
    monkeypatch.chdir(corpus.parent)
    assert [key for key, _ in utterances_of([Path(corpus.name)], ["train"])] == absolute
