"""This project's own folders of wav2vec 2.0 networks."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from reference_wav2vec2 import change_json

from models.checkpoint import DESCRIPTION, WEIGHTS, read_description
from models.loading import load_acoustic_model
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, load_wav2vec2, save_wav2vec2
from models.wav2vec2_config import Wav2Vec2Config

CONFIG = Wav2Vec2Config(
    outputs=4,
    dim=16,
    layers=2,
    heads=2,
    feed_forward=8,
    convolutions=((4, 10, 5), (4, 2, 2)),
    position_kernel=4,
    position_groups=2,
    normalise_eps=1e-5,
)


def made() -> Wav2Vec2Checkpoint:
    network = Wav2Vec2(CONFIG)
    return Wav2Vec2Checkpoint(
        CONFIG, ("<blank>", "|", "é"), (0, 3, 1), network.state_dict(), {"alpha": 0.5}, {"data": "naïve"}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_wav2vec2(tmp_path / "model", made())
    return tmp_path / "model"


def refusal(folder: Path) -> str:
    """What is said about a bad folder: one line, which names it."""
    with pytest.raises(ValueError, match=r".") as caught:
        load_acoustic_model(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_round_trip(folder: Path) -> None:
    torch.manual_seed(0)
    saved, loaded = made(), load_wav2vec2(folder)
    for name in ("config", "labels", "columns", "decoding", "provenance", "heads"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert loaded.sha256 == read_description(folder)["sha256"]
    samples = torch.randn(1, 500)
    network = loaded.build()
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    torch.testing.assert_close(network(samples), saved.build()(samples))


def test_weights_in_half_precision_are_computed_with_in_full(folder: Path) -> None:
    checkpoint = load_wav2vec2(folder)
    halves = {name: tensor.half() for name, tensor in checkpoint.weights.items()}
    save_wav2vec2(folder, Wav2Vec2Checkpoint(CONFIG, checkpoint.labels, checkpoint.columns, halves))
    assert load_wav2vec2(folder).build()(torch.zeros(1, 500)).dtype == torch.float32


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["<blank>", "|"]},
        {"columns": [0, 3, 4]},
        {"columns": None},
        {"decoding": None},
        {"decoding": {"alpha": float("nan")}},
        {"label_priors": {"characters": [0.5, None]}},
        {"wav2vec2": {"outputs": 4, "convolutions": [[4, 10]]}},
        {"wav2vec2": {"outputs": 4, "convolutions": [[4, 10, 5]], "heads": 7}},
        {"wav2vec2": {"outputs": 4, "convolutions": [[4, 10, 5]], "depth": 7}},
        {"wav2vec2": []},
    ],
    ids=str,
)
def test_a_description_that_makes_no_sense(folder: Path, changes: dict[str, Any]) -> None:
    change_json(folder / DESCRIPTION, **changes)
    assert "is damaged" in refusal(folder)


def test_a_description_of_another_network(folder: Path) -> None:
    change_json(folder / DESCRIPTION, wav2vec2={"outputs": 4, "convolutions": [[4, 10, 5]], "layers": 1})
    assert "(4, 16) instead of (4, 768)" in refusal(folder)


def test_changed_cut_and_missing_weights(folder: Path) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:-1])
    assert "does not have the SHA-256" in refusal(folder)
    change_json(folder / DESCRIPTION, sha256=hashlib.sha256(whole[:-1]).hexdigest())
    assert "is damaged" in refusal(folder)
    (folder / WEIGHTS).unlink()
    assert "has no model.safetensors" in refusal(folder)


def test_tensors_of_another_network(folder: Path) -> None:
    weights = load_wav2vec2(folder).weights | {"aux.bias": torch.zeros(5)}
    content = safetensors.torch.save(weights)
    (folder / WEIGHTS).write_bytes(content)
    change_json(folder / DESCRIPTION, sha256=hashlib.sha256(content).hexdigest())
    assert "the tensor 'aux.bias'" in refusal(folder)
    assert "(5,) instead of (4,)" in refusal(folder)
