"""torchaudio's bundles, with weights of a file: shapes and labels from the bundle itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.torchaudio_compat import import_torchaudio
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_torchaudio import bundle_names, load_bundle

PIPELINES = import_torchaudio().pipelines
BASE = "WAV2VEC2_ASR_BASE_10M"
NAMED = {
    *(f"WAV2VEC2_ASR_{size}_{data}" for size in ("BASE", "LARGE", "LARGE_LV60K") for data in ("10M", "100H", "960H")),
    *(f"VOXPOPULI_ASR_BASE_10K_{language}" for language in ("DE", "EN", "ES", "FR", "IT")),
    *("HUBERT_ASR_LARGE", "HUBERT_ASR_XLARGE"),
}

ARCHITECTURES = (
    BASE,
    "WAV2VEC2_ASR_LARGE_960H",
    "WAV2VEC2_ASR_LARGE_LV60K_100H",
    "VOXPOPULI_ASR_BASE_10K_FR",
    "HUBERT_ASR_LARGE",
    "HUBERT_ASR_XLARGE",
)


def narrow(name: str) -> Any:
    """The bundle with a narrow network, so that its file is small."""
    bundle = getattr(PIPELINES, name)
    changes = {
        "extractor_conv_layer_config": [(4, kernel, stride) for _, kernel, stride in ((0, 10, 5), (0, 3, 2))],
        "encoder_embed_dim": 32,
        "encoder_num_layers": 2,
        "encoder_num_heads": 4,
        "encoder_ff_interm_features": 8,
    }
    return replace(bundle, _params=bundle._params | changes)


def published(bundle: Any) -> tuple[Any, dict[str, Tensor]]:
    """torchaudio's own network, and its weights as they are in the file: with outputs that nobody trained."""
    torch.manual_seed(5)
    network = PIPELINES._wav2vec2.utils._get_model(bundle._model_type, bundle._params).eval()
    weights = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor.clone()
        for name, tensor in network.state_dict().items()
    }
    for name in ("aux.weight", "aux.bias"):
        rows = list(weights[name])
        for row in sorted(bundle._remove_aux_axis):
            rows.insert(row, torch.zeros_like(rows[0]))
        weights[name] = torch.stack(rows)
    return network, weights


def test_the_bundles_are_those_that_recognise_speech() -> None:
    assert set(bundle_names()) == NAMED


@pytest.mark.parametrize("name", [BASE, "WAV2VEC2_ASR_LARGE_LV60K_960H", "VOXPOPULI_ASR_BASE_10K_DE"])
def test_a_bundle_says_what_torchaudio_says(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = narrow(name)
    monkeypatch.setattr(PIPELINES, name, bundle)
    network, weights = published(bundle)
    torch.save(weights, tmp_path / "weights.pth")
    checkpoint = load_bundle(name, tmp_path / "weights.pth")
    assert checkpoint.labels[:2] == ("<blank>", "|")
    assert checkpoint.labels == ("<blank>", *(label.lower() for label in bundle.get_labels()[1:]))
    samples = torch.randn(1, 3000)
    heard = torch.nn.functional.layer_norm(samples, samples.shape) if bundle._normalize_waveform else samples
    ours = checkpoint.build()
    theirs = network(heard)[0].log_softmax(-1)
    torch.testing.assert_close(ours(ours.normalise(samples)), theirs, atol=1e-4, rtol=0)
    assert checkpoint.columns == tuple(range(len(checkpoint.labels)))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_shapes_asked_for_are_those_of_the_bundle(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.wav2vec2_torchaudio.check_network", lambda *_: None)  # of files of gigabytes
    torch.save({"aux.bias": torch.zeros(40)}, tmp_path / "weights.pth")
    config = load_bundle(name, tmp_path / "weights.pth").config
    bundle = getattr(PIPELINES, name)
    with torch.device("meta"):
        theirs = PIPELINES._wav2vec2.utils._get_model(bundle._model_type, bundle._params).state_dict()
        ours = Wav2Vec2(config).state_dict()
    assert {key: one.shape for key, one in ours.items()} == {key: one.shape for key, one in theirs.items()}


def test_names_and_files_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no recogniser 'WAV2VEC2_BASE': choose one of HUBERT_ASR_LARGE"):
        load_bundle("WAV2VEC2_BASE", tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"there is no .*weights\.pth"):
        load_bundle(BASE, tmp_path / "weights.pth")
    torch.save({"aux.bias": torch.zeros(32)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match=r"lacks the tensor 'aux\.weight'"):
        load_bundle(BASE, tmp_path / "weights.pth")
