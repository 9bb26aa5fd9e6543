import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from models import model_files as module
from models.checkpoint import (
    DESCRIPTION,
    WEIGHTS,
    Checkpoint,
    average_checkpoints,
    load_checkpoint,
    read_description,
    save_checkpoint,
    save_decoding,
    shrink_checkpoint,
)
from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.frontend import FrontendConfig
from models.model_files import file_sha256, save_tensors, write_atomically

HEADS = (Head("phonemes", ("<blank>", "ɪ", "ə")), Head("characters", ("<blank>", "|", "a", "b")))
BIAS = "heads.phonemes.bias"


def made(config: EncoderConfig, seed: int = 0) -> Checkpoint:
    torch.manual_seed(seed)
    weights = CtcModel(config, HEADS).state_dict()
    weights = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in weights.items()}
    frontend = FrontendConfig(num_mels=config.num_mels, window="hamming")
    return Checkpoint(frontend, config, HEADS, weights, {"lm_weight": 0.5}, {"data": "naïve"})


@pytest.fixture
def folder(tmp_path: Path, small_config: EncoderConfig) -> Path:
    save_checkpoint(tmp_path / "model", made(small_config))
    return tmp_path / "model"


def describe(folder: Path, **changes: Any) -> None:
    """Change fields of model.json."""
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    (folder / DESCRIPTION).write_text(json.dumps(description | changes), encoding="utf-8")


def replace_weights(folder: Path, content: bytes | dict[str, Tensor]) -> None:
    """Other weights under the SHA-256 that belongs to them."""
    content = content if isinstance(content, bytes) else safetensors.torch.save(content)
    (folder / WEIGHTS).write_bytes(content)
    describe(folder, sha256=hashlib.sha256(content).hexdigest())


def refusal(folder: Path) -> str:
    """What load_checkpoint says about a bad folder: one line."""
    with pytest.raises(ValueError, match=r".") as caught:
        load_checkpoint(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert folder.name in message
    return message


def test_round_trip(folder: Path, small_config: EncoderConfig) -> None:
    saved, loaded = made(small_config), load_checkpoint(folder)
    assert replace(loaded, weights={}, sha256="") == replace(saved, weights={})
    assert loaded.weights.keys() == saved.weights.keys()
    for name, tensor in saved.weights.items():
        assert loaded.weights[name].dtype == tensor.dtype
        assert torch.equal(loaded.weights[name], tensor)
    assert loaded.sha256 == file_sha256(folder / WEIGHTS) == read_description(folder)["sha256"]
    assert sorted(path.name for path in folder.iterdir()) == [DESCRIPTION, WEIGHTS]


def test_the_built_model_has_the_weights_and_only_listens(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    model = checkpoint.build()
    assert not model.training
    for name, tensor in model.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, checkpoint.weights[name].float())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    frames, _ = model.encoder(torch.zeros(1, 9, 20), torch.tensor([9]), 2)
    assert model.log_probs(frames, "characters").shape == (1, 3, 4)


def test_saving_again_replaces_the_old_one(folder: Path, small_config: EncoderConfig) -> None:
    new = made(small_config, seed=1)
    assert save_checkpoint(folder, new) == load_checkpoint(folder).sha256
    name = "encoder.subsampling.output.weight"
    assert torch.equal(load_checkpoint(folder).weights[name], new.weights[name])


def test_weights_need_not_be_contiguous(tmp_path: Path) -> None:
    matrix = torch.arange(6.0).view(2, 3)
    save_tensors(tmp_path / "t.safetensors", {"turned": matrix.T})
    assert torch.equal(safetensors.torch.load_file(tmp_path / "t.safetensors")["turned"], matrix.T)


class KilledError(Exception):
    """Stands for a kill."""


def killed(*_: object, **__: object) -> None:
    raise KilledError


def test_a_kill_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(module.os, "fsync", killed)
    with pytest.raises(KilledError):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_while_saving_weights_leaves_the_old_checkpoint(
    folder: Path, small_config: EncoderConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = load_checkpoint(folder)

    def killed_half_way(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise KilledError

    monkeypatch.setattr(module, "save_file", killed_half_way)
    with pytest.raises(KilledError):
        save_checkpoint(folder, made(small_config, seed=1))
    assert load_checkpoint(folder).sha256 == old.sha256
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, DESCRIPTION}


def test_a_kill_between_the_files_is_never_taken_for_a_checkpoint(
    folder: Path, small_config: EncoderConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "write_atomically", killed)
    with pytest.raises(KilledError):
        save_checkpoint(folder, made(small_config, seed=1))
    assert "SHA-256" in refusal(folder)
    with pytest.raises(KilledError):
        save_checkpoint(folder.parent / "first", made(small_config))
    assert "is not a checkpoint" in refusal(folder.parent / "first")


def test_decoder_defaults_are_kept_beside_the_same_weights(folder: Path) -> None:
    before = load_checkpoint(folder)
    save_decoding(folder, {"lm_weight": 0.7, "beam": 32})
    after = load_checkpoint(folder)
    assert after.decoding == {"lm_weight": 0.7, "beam": 32}
    assert (after.sha256, after.provenance, after.heads) == (before.sha256, before.provenance, before.heads)


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    assert "is not a checkpoint: it has no model.json" in refusal(tmp_path / "nothing")
    (folder / WEIGHTS).unlink()
    assert "has no model.safetensors" in refusal(folder)
    (folder / WEIGHTS).mkdir()
    assert "has no model.safetensors" in refusal(folder)
    assert "is not a checkpoint" in refusal(folder / DESCRIPTION)  # a file is no folder


def test_changed_weights_are_refused(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    assert "does not have the SHA-256" in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"format": ' + b"[" * 100_000, b"9" * 5000])
def test_a_description_that_is_no_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / DESCRIPTION).write_bytes(content)
    assert "model.json is damaged" in refusal(folder)


@pytest.mark.parametrize("content", ["[]", "7", "{}", '{"model_type": "wav2vec2"}', '{"format": "onnx"}'])
def test_foreign_json_is_refused(folder: Path, content: str) -> None:
    (folder / DESCRIPTION).write_text(content)
    assert "describes no checkpoint of this program" in refusal(folder)


def test_another_version_is_refused(folder: Path) -> None:
    describe(folder, version=2)
    assert "has format version 2, this program reads 1" in refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"frontend": None},
        {"frontend": []},
        {"frontend": {"sample_rates": 16000}},
        {"frontend": {"num_mels": 20, "window": "kaiser"}},
        {"frontend": {"num_mels": 20, "low_hz": -9000.0}},
        {"frontend": {"num_mels": 21}},
        {"encoder": {"num_mels": 20, "dim": "wide"}},
        {"encoder": {"num_mels": 20, "dim": -16}},
        {"encoder": {"num_mels": 20, "dim": 0}},
        {"encoder": {"num_mels": 20, "dim": 16, "heads": 0}},
        {"encoder": {"num_mels": 20, "dim": 16, "heads": 3}},
        {"encoder": {"num_mels": 20, "dim": 16, "kernel": -1}},
        {"heads": None},
        {"heads": ["phonemes"]},
        {"heads": [{"name": "phonemes"}]},
        {"heads": [{"name": "a.b", "labels": ["", "a"]}]},
        {"heads": [{"name": "phonemes", "labels": ["", ["a"], 3]}]},
        {"frontend": {"num_mels": 20, "sample_rate": 0}},
        {"frontend": {"num_mels": 20, "hop_length": 160.5}},
        {"frontend": {"num_mels": 20, "log_floor": 0.0}},
        {"frontend": {"num_mels": 20, "filter_scale": "bark"}},
        {"encoder": {"num_mels": 20, "dim": 16, "heads": 2, "left_context": -1}},
        {"encoder": {"num_mels": 20, "dim": 16, "heads": 2, "left_context": "far"}},
        {"decoding": None},
        {"decoding": {"alpha": float("nan")}},
        {"decoding": {"beam": float("inf")}},
        {"label_priors": []},
        {"label_priors": {"beam": 0.5}},
        {"label_priors": {"beam": [0.5, "half"]}},
    ],
    ids=str,
)
def test_a_description_that_makes_no_sense_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    describe(folder, **changes)
    assert "is damaged" in refusal(folder)


@pytest.mark.parametrize("key", ["frontend", "encoder", "heads", "decoding", "provenance"])
def test_a_missing_part_of_the_description_is_named(folder: Path, key: str) -> None:
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    del description[key]
    (folder / DESCRIPTION).write_text(json.dumps(description))
    assert repr(key) in refusal(folder)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_cut_weights_are_refused(folder: Path, kept: int) -> None:
    replace_weights(folder, (folder / WEIGHTS).read_bytes()[:kept])
    assert "is damaged" in refusal(folder)


def test_tensors_that_are_missing_unknown_or_of_another_shape_are_named(folder: Path) -> None:
    weights = load_checkpoint(folder).weights
    replace_weights(folder, {name: tensor for name, tensor in weights.items() if name != BIAS})
    assert f"lacks the tensor {BIAS!r}" in refusal(folder)
    replace_weights(folder, weights | {"heads.letters.bias": torch.zeros(3)})
    assert "has a tensor 'heads.letters.bias' that the model does not have" in refusal(folder)
    replace_weights(folder, weights | {BIAS: torch.zeros(4)})
    assert f"the tensor {BIAS!r}" in refusal(folder)
    assert "(4,) instead of (3,)" in refusal(folder)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_weights_of_a_training_that_diverged_are_refused(folder: Path, wrong: float) -> None:
    weights = load_checkpoint(folder).weights
    weights[BIAS][1] = wrong
    replace_weights(folder, weights)
    assert f"{BIAS!r} of {folder / WEIGHTS} has NaN or infinity in it" in refusal(folder)


def test_other_labels_are_another_model(folder: Path) -> None:
    describe(folder, heads=[{"name": "phonemes", "labels": ["<blank>", "a"]}])
    assert "belongs to another model" in refusal(folder)


def test_a_pickle_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    # An old-style pickle that makes a folder when somebody unpickles it.
    replace_weights(folder, f"cos\nmkdir\n(V{victim}\ntR.".encode())
    assert "is damaged" in refusal(folder)
    assert not victim.exists()
    torch.save({BIAS: torch.zeros(3)}, tmp_path / "weights.pt")
    replace_weights(folder, (tmp_path / "weights.pt").read_bytes())
    assert "is damaged" in refusal(folder)


def test_a_shrunk_checkpoint_is_smaller_and_says_nearly_the_same(tmp_path: Path) -> None:
    config = EncoderConfig(num_mels=16, dim=96, layers=1, heads=2, feed_forward=192, channels=8)
    torch.manual_seed(1)
    features = torch.randn(1, 60, 16)
    whole, small = tmp_path / "whole", tmp_path / "small"
    save_checkpoint(whole, made(config))
    shrink_checkpoint(whole, small)
    assert (small / WEIGHTS).stat().st_size < 0.6 * (whole / WEIGHTS).stat().st_size
    frames = [load_checkpoint(folder).build().encoder(features, torch.tensor([60]))[0] for folder in (whole, small)]
    torch.testing.assert_close(*frames, atol=0.05, rtol=0)
    assert load_checkpoint(small).provenance == load_checkpoint(whole).provenance


def test_a_mean_of_runs(folder: Path, tmp_path: Path, small_config: EncoderConfig) -> None:
    other, mean = tmp_path / "other", tmp_path / "mean"
    save_checkpoint(other, replace(made(small_config, seed=1), provenance={"run": "later"}))
    average_checkpoints([folder, other], mean)
    first, second, both = (load_checkpoint(one) for one in (folder, other, mean))
    for name, tensor in both.weights.items():
        torch.testing.assert_close(tensor, (first.weights[name].float() + second.weights[name]).div(2).to(tensor.dtype))
    assert both.provenance == {"run": "later", "averaged": [first.sha256, second.sha256]}


def test_another_kind_of_model_is_not_averaged(folder: Path, tmp_path: Path, small_config: EncoderConfig) -> None:
    save_checkpoint(tmp_path / "wide", made(replace(small_config, feed_forward=2 * small_config.feed_forward)))
    with pytest.raises(ValueError, match="another kind of model"):
        average_checkpoints([folder, tmp_path / "wide"], tmp_path / "mean")
