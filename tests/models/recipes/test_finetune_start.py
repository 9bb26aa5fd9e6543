"""What may be fine-tuned: networks of the family that pre-training left without a head, and our own."""

from pathlib import Path
from typing import Any

import pytest
import torch

from models.checkpoint import Checkpoint, save_checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel
from models.frontend import FrontendConfig
from models.recipes.data.samples import HEADS
from models.recipes.finetuning.finetune import load_start
from models.recipes.finetuning.waveforms import LABELS
from models.torchaudio_compat import import_torchaudio

import_torchaudio()  # which transformers would import without the second try

import transformers  # noqa: E402

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8, 12),
    "conv_kernel": (10, 3),
    "conv_stride": (5, 2),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embedding_groups": 4,
    "codevector_dim": 8,
    "proj_codevector_dim": 8,
}
DATA2VEC = {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("Wav2Vec2ForPreTraining", {"num_conv_pos_embeddings": 6}),
        ("HubertModel", {"num_conv_pos_embeddings": 6}),
        ("WavLMModel", {"num_conv_pos_embeddings": 6, "num_buckets": 16}),
        ("Data2VecAudioModel", DATA2VEC),
    ],
)
def test_a_folder_that_pre_training_left(tmp_path: Path, name: str, changes: dict[str, Any]) -> None:
    model = getattr(transformers, name)
    reference = model(model.config_class(**(SIZES | changes))).eval()
    reference.save_pretrained(tmp_path)
    start = load_start(tmp_path)
    assert start.labels == LABELS
    assert not start.weights["aux.weight"].any()
    network, samples = start.build(), torch.randn(1, 4000)
    inner = getattr(reference, "wav2vec2", reference)
    with torch.inference_mode():
        expected = inner(network.normalise(samples)).last_hidden_state
        found = network.context(network.features(network.normalise(samples)))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_a_streaming_model_is_none(tmp_path: Path) -> None:
    encoder = EncoderConfig(dim=16, layers=1, heads=2, feed_forward=32, kernel=5, channels=4, left_context=8)
    weights = CtcModel(encoder, HEADS).state_dict()
    save_checkpoint(tmp_path, Checkpoint(FrontendConfig(), encoder, HEADS, weights))
    with pytest.raises(ValueError, match=r"no wav2vec 2\.0 network, and this recipe fine-tunes one"):
        load_start(tmp_path)


def test_a_network_of_another_family(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "whisper", "architectures": ["Whisper"]}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="fetch the model again"):
        load_start(tmp_path)
