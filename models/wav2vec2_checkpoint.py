"""Checkpoints of wav2vec 2.0 networks: this project's folders, and what all kinds of checkpoints become.

A folder has the two files of models/checkpoint.py; its model.json says "wav2vec2" where that of a streaming encoder
says "frontend" and "encoder".
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from models.checkpoint import DESCRIPTION, FILES, WEIGHTS, check_weights, read_description, stored_decoding
from models.ctc import Head
from models.model_files import file_sha256
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_config import Wav2Vec2Config

ARCHITECTURE = "wav2vec2"
HEAD = "characters"


@dataclass(frozen=True, slots=True)
class Wav2Vec2Checkpoint:
    """A trained network.

    labels: what is decoded, the blank first. columns: which of the head's outputs each label is; outputs that stand for
    nothing that can be said (the beginning of a sentence, an unknown letter) have no label, and their share of the
    probability is nobody's. decoding, label_priors, provenance: as in models.checkpoint.
    """

    config: Wav2Vec2Config
    labels: tuple[str, ...]
    columns: tuple[int, ...]
    weights: dict[str, Tensor]
    decoding: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    label_priors: dict[str, list[float]] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for labels that are not the head's."""
        if len(self.labels) != len(self.columns) or not {*self.columns} <= {*range(self.config.outputs)}:
            raise ValueError(f"{len(self.labels)} labels do not belong to {self.config.outputs} outputs")

    @property
    def heads(self) -> tuple[Head, ...]:
        """Its one head."""
        return (Head(HEAD, self.labels),)

    @property
    def frame_duration_s(self) -> float:
        """Seconds of one frame."""
        return self.config.frame_duration_s

    def build(self) -> Wav2Vec2:
        """The network with these weights, in evaluation mode."""
        with torch.device("meta"):
            network = Wav2Vec2(self.config)
        network.load_state_dict({name: tensor.float() for name, tensor in self.weights.items()}, assign=True)
        network.eval().requires_grad_(False).fold_weight_norm()
        return network


def save_wav2vec2(folder: Path, checkpoint: Wav2Vec2Checkpoint) -> str:
    """Write a checkpoint folder; the SHA-256 of its weights."""
    description = {
        ARCHITECTURE: asdict(checkpoint.config),
        "labels": checkpoint.labels,
        "columns": checkpoint.columns,
        "decoding": checkpoint.decoding,
        "label_priors": checkpoint.label_priors,
        "provenance": checkpoint.provenance,
    }
    return FILES.write(folder, checkpoint.weights, description)


def load_wav2vec2(folder: Path) -> Wav2Vec2Checkpoint:
    """Read and verify a checkpoint folder; ValueError says in one line what is wrong with it."""
    description = read_description(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise ValueError(f"{folder} has no {WEIGHTS}: fetch the model again")
    if file_sha256(path) != description.get("sha256"):
        raise ValueError(f"{path} does not have the SHA-256 that {DESCRIPTION} names: fetch the model again")
    try:
        sizes = description[ARCHITECTURE]
        convolutions = tuple((channels, kernel, stride) for channels, kernel, stride in sizes["convolutions"])
        checkpoint = Wav2Vec2Checkpoint(
            config=Wav2Vec2Config(**(sizes | {"convolutions": convolutions})),
            labels=tuple(description["labels"]),
            columns=tuple(description["columns"]),
            weights=load_file(path),
            **stored_decoding(description),
            provenance=description["provenance"],
            sha256=description["sha256"],
        )
    except (KeyError, TypeError, AttributeError, ValueError, SafetensorError) as error:
        raise ValueError(f"{folder} is damaged ({error!r}): fetch the model again") from error
    check_network(checkpoint.config, checkpoint.weights, path)
    return checkpoint


def check_network(config: Wav2Vec2Config, weights: Mapping[str, Tensor], path: Path) -> None:
    """ValueError that names the first tensor that is missing, unknown or of another shape."""
    try:
        with torch.device("meta"):
            expected = {name: tensor.shape for name, tensor in Wav2Vec2(config).state_dict().items()}
    except (TypeError, RuntimeError) as error:  # a size that is no whole number, or too large for a tensor
        raise ValueError(f"{path.parent} describes no network ({error!r}): fetch the model again") from error
    check_weights(weights, expected, path)
