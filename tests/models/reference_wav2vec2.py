"""Small random checkpoints of the transformers library, and what it says they hear."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.torchaudio_compat import import_torchaudio

import_torchaudio()  # which transformers would import without the second try

import transformers  # noqa: E402

VOCABULARY = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5, "B": 6, "'": 7, "C": 8}
LABELS = ("<blank>", "|", "a", "b", "'", "c")
COLUMNS = (0, 4, 5, 6, 7, 8)

SIZES: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8, 8, 12),
    "conv_kernel": (10, 3, 2),
    "conv_stride": (5, 2, 2),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 6,
    "num_conv_pos_embedding_groups": 4,
    "initializer_range": 0.3,
}
STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "base": ("Wav2Vec2", {}),
    "group norm with bias": ("Wav2Vec2", {"conv_bias": True}),
    "layer norm": ("Wav2Vec2", {"feat_extract_norm": "layer"}),
    "large": ("Wav2Vec2", STABLE),
    "odd positional kernel": ("Wav2Vec2", {"num_conv_pos_embeddings": 5}),
    "adapters": ("Wav2Vec2", STABLE | {"adapter_attn_dim": 4}),
    "hubert": ("Hubert", {}),
    "hubert large": ("Hubert", STABLE),
    "wavlm": ("WavLM", {"num_buckets": 16, "max_bucket_distance": 20}),
    "wavlm large": ("WavLM", STABLE | {"num_buckets": 16, "max_bucket_distance": 20}),
    "data2vec": ("Data2VecAudio", {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5}),
}


@dataclass(frozen=True)
class Reference:
    """A model of transformers."""

    model: Any

    def log_probs(self, samples: Tensor, lengths: list[int] | None = None) -> Tensor:
        """Log-probabilities (B, T, V) of normalised samples (B, N)."""
        mask = (
            None if lengths is None else torch.tensor([[int(k < n) for k in range(samples.shape[1])] for n in lengths])
        )
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # transformers' WavLM mixes masks of two types
            return self.model(samples, attention_mask=mask).logits.log_softmax(-1)

    def heard(self, samples: np.ndarray[Any, Any], do_normalize: bool) -> np.ndarray[Any, Any]:
        """Log-probabilities (T, V) of our labels for a recording (n,), by way of transformers' feature extractor."""
        extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=do_normalize)
        inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt").input_values
        columns: np.ndarray[Any, Any] = self.log_probs(inputs)[0, :, list(COLUMNS)].numpy()
        return columns


def make(variant: str, **changes: Any) -> Reference:
    """A model with random weights, and with norms and biases that are not the identity."""
    name, settings = VARIANTS[variant]
    torch.manual_seed(len(variant))
    config = getattr(transformers, f"{name}Config")(**(SIZES | settings | changes))
    model = getattr(transformers, f"{name}ForCTC")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return Reference(model)


def write_folder(
    folder: Path, reference: Reference, vocabulary: dict[str, Any] = VOCABULARY, do_normalize: bool = True
) -> Path:
    """What a user finds in a folder of a published model, with model.safetensors."""
    reference.model.save_pretrained(folder)
    write_json(folder / "vocab.json", vocabulary)
    write_json(folder / "preprocessor_config.json", {"do_normalize": do_normalize, "sampling_rate": 16_000})
    return folder


def write_json(path: Path, content: Any) -> None:
    """An object as a file."""
    path.write_text(json.dumps(content), encoding="utf-8")


def change_json(path: Path, **changes: Any) -> None:
    """Other values for some keys of a file; None removes a key."""
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    write_json(path, {key: value for key, value in content.items() if value is not None})
