"""torchaudio's pipeline bundles: what they know of a model, and the weights of a file that was fetched for one."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.model_files import file_sha256
from models.torchaudio_compat import import_torchaudio
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, check_network
from models.wav2vec2_config import Wav2Vec2Config
from models.wav2vec2_huggingface import read_tensors, torchaudio_names
from models.wav2vec2_vocabulary import in_small_letters, vocabulary

_BLANK = "-"


def bundle_names() -> list[str]:
    """The names of the bundles that recognise speech."""
    return sorted(name for name in dir(import_torchaudio().pipelines) if "_ASR_" in name)


def load_bundle(name: str, path: Path) -> Wav2Vec2Checkpoint:
    """The model of a bundle with the weights of its file; ValueError says in one line what is wrong."""
    if name not in bundle_names():
        raise ValueError(f"torchaudio has no recogniser {name!r}: choose one of {', '.join(bundle_names())}")
    bundle = getattr(import_torchaudio().pipelines, name)
    config = _config(bundle)
    weights = _without_rows(torchaudio_names(read_tensors(path)), bundle._remove_aux_axis)
    check_network(config, weights, path)
    tokens = {token: output for output, token in enumerate(bundle.get_labels(blank=_BLANK))}
    labels, columns = vocabulary(tokens, _BLANK, "|", ())
    provenance = {"torchaudio": name}
    return Wav2Vec2Checkpoint(
        config, in_small_letters(labels), columns, weights, provenance=provenance, sha256=file_sha256(path)
    )


def _config(bundle: Any) -> Wav2Vec2Config:
    sizes = bundle._params
    return Wav2Vec2Config(
        outputs=len(bundle.get_labels()),
        dim=sizes["encoder_embed_dim"],
        layers=sizes["encoder_num_layers"],
        heads=sizes["encoder_num_heads"],
        feed_forward=sizes["encoder_ff_interm_features"],
        convolutions=tuple(sizes["extractor_conv_layer_config"]),
        convolution_bias=sizes["extractor_conv_bias"],
        feature_norm="group" if sizes["extractor_mode"] == "group_norm" else "layer",
        norm_first=sizes["encoder_layer_norm_first"],
        position_kernel=sizes["encoder_pos_conv_kernel"],
        position_groups=sizes["encoder_pos_conv_groups"],
        normalise_eps=1e-5 if bundle._normalize_waveform else None,  # torchaudio uses the layer norm's
        sample_rate=int(bundle.sample_rate),
    )


def _without_rows(weights: dict[str, Tensor], rows: tuple[int, ...]) -> dict[str, Tensor]:
    """The weights without outputs that the training tools left in the files and nobody trained."""
    cut = dict(weights)
    for name in ("aux.weight", "aux.bias"):
        if name in cut and cut[name].dim():
            kept = [row for row in range(len(cut[name])) if row not in rows]
            cut[name] = cut[name][torch.tensor(kept, dtype=torch.long)]
    return cut
