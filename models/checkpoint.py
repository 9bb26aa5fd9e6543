"""Checkpoints: weights as safetensors, all else that a recogniser needs as JSON beside them; never pickle.

A checkpoint is a folder with model.json and model.safetensors (models/model_files.py).
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from models.conformer import EncoderConfig
from models.ctc import CtcModel, Head
from models.frontend import Frontend, FrontendConfig
from models.layers import Subsampling
from models.model_files import ModelFiles, file_sha256
from models.quantisation import dequantise, quantise

FILES = ModelFiles("model", "asr-app checkpoint")
WEIGHTS, DESCRIPTION = FILES.weights, FILES.description


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained acoustic model.

    decoding: defaults found on dev (LM weight, word bonus, beam). label_priors: for a decoder, the mean posterior of
    each label that it reads over dev speech. provenance: data, licences, steps, figures.
    """

    frontend: FrontendConfig
    encoder: EncoderConfig
    heads: tuple[Head, ...]
    weights: dict[str, Tensor]
    decoding: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    label_priors: dict[str, list[float]] = field(default_factory=dict)
    sha256: str = ""

    @property
    def frame_duration_s(self) -> float:
        """Seconds of one encoder frame."""
        return Subsampling.FACTOR * self.frontend.hop_length / self.frontend.sample_rate

    def build(self) -> CtcModel:
        """The model with these weights, in evaluation mode."""
        model = CtcModel(self.encoder, self.heads)
        model.load_state_dict({name: tensor.float() for name, tensor in self.weights.items()})
        return model.eval().requires_grad_(False)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> str:
    """Write a checkpoint folder; the SHA-256 of its weights."""
    description = {
        "frontend": asdict(checkpoint.frontend),
        "encoder": asdict(checkpoint.encoder),
        "heads": [asdict(head) for head in checkpoint.heads],
        "decoding": checkpoint.decoding,
        "label_priors": checkpoint.label_priors,
        "provenance": checkpoint.provenance,
    }
    return FILES.write(folder, checkpoint.weights, description)


def shrink_checkpoint(folder: Path, output: Path) -> None:
    """Write a checkpoint folder's model again with weights in 8 bits; ValueError where it is damaged."""
    checkpoint = load_checkpoint(folder)
    save_checkpoint(output, replace(checkpoint, weights=quantise(checkpoint.weights)))


def average_checkpoints(folders: Sequence[Path], output: Path) -> None:
    """Write the model whose weights are the means of those of several, with all else as the last one has it.

    Of runs that went on from one another the mean is often better than each (Wortsman et al., Model soups, 2022).
    Raises ValueError where one is damaged, or they are not of one kind.
    """
    checkpoints = [load_checkpoint(folder) for folder in folders]
    last = checkpoints[-1]
    for folder, one in zip(folders, checkpoints, strict=True):
        if (one.frontend, one.encoder, one.heads) != (last.frontend, last.encoder, last.heads):
            raise ValueError(f"{folder} is another kind of model than {folders[-1]}: average the runs of one recipe")
    weights = {name: torch.stack([one.weights[name].float() for one in checkpoints]).mean(0) for name in last.weights}
    weights = {name: mean.to(last.weights[name].dtype) for name, mean in weights.items()}
    provenance = last.provenance | {"averaged": [one.sha256 for one in checkpoints]}
    save_checkpoint(output, replace(last, weights=weights, provenance=provenance))


def read_description(folder: Path) -> dict[str, Any]:
    """model.json of a checkpoint folder; ValueError where it is not one."""
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{folder} is not a checkpoint: it has no {DESCRIPTION}") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON
        raise ValueError(f"{path} is damaged ({error}): fetch the model again") from error
    if not isinstance(description, dict) or description.get("format") != FILES.format:
        raise ValueError(f"{path} describes no checkpoint of this program: choose another model")
    if description.get("version") != FILES.version:
        raise ValueError(
            f"{path} has format version {description.get('version')}, this program reads {FILES.version}: "
            "choose another model, or a newer version of this program"
        )
    return description


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read and verify a checkpoint folder; ValueError says in one line what is wrong with it."""
    description = read_description(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise ValueError(f"{folder} has no {WEIGHTS}: fetch the model again")
    if file_sha256(path) != description.get("sha256"):
        raise ValueError(f"{path} does not have the SHA-256 that {DESCRIPTION} names: fetch the model again")
    try:
        checkpoint = Checkpoint(
            frontend=FrontendConfig(**description["frontend"]),
            encoder=EncoderConfig(**description["encoder"]),
            heads=tuple(Head(head["name"], tuple(head["labels"])) for head in description["heads"]),
            weights=dequantise(load_file(path)),
            **stored_decoding(description),
            provenance=description["provenance"],
            sha256=description["sha256"],
        )
        expected = _expected_shapes(checkpoint)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{folder} is damaged ({error!r}): fetch the model again") from error
    check_weights(checkpoint.weights, expected, path)
    for name, tensor in checkpoint.weights.items():
        if not tensor.isfinite().all():  # a training that diverged
            raise ValueError(f"the tensor {name!r} of {path} has NaN or infinity in it: choose another model")
    return checkpoint


def stored_decoding(description: Mapping[str, Any]) -> dict[str, Any]:
    """The decoder defaults and label priors of a description; ValueError names one that is no finite number."""
    decoding, priors = description["decoding"], description.get("label_priors", {})
    for name, value in [*decoding.items(), *((name, prior) for name, row in priors.items() for prior in row)]:
        if not isinstance(value, int | float) or not abs(value) < math.inf:
            raise ValueError(f"the decoder setting {name} is {value!r}")
    return {"decoding": decoding, "label_priors": priors}


def _expected_shapes(checkpoint: Checkpoint) -> dict[str, torch.Size]:
    """Shapes of the model's tensors; ValueError where the description contradicts itself."""
    frontend, encoder = checkpoint.frontend, checkpoint.encoder
    if frontend.num_mels != encoder.num_mels:
        raise ValueError(f"{frontend.num_mels} mel bands from the front end, {encoder.num_mels} for the encoder")
    if min(encoder.heads, encoder.dim) < 1 or encoder.dim % (2 * encoder.heads):
        raise ValueError(f"{encoder.heads} attention heads do not divide {encoder.dim} into even parts")
    if type(encoder.left_context) is not int or encoder.left_context < 0:
        raise ValueError(f"a left context of {encoder.left_context!r} frames")
    Frontend(frontend)  # not on the meta device: its arithmetic there takes a second of imports
    with torch.device("meta"):
        model = CtcModel(encoder, checkpoint.heads)
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, torch.Size], path: Path) -> None:
    """ValueError that names the first tensor that is missing, unknown or of another shape."""
    for name in sorted(expected.keys() | weights.keys()):
        if name not in weights:
            raise ValueError(f"{path} lacks the tensor {name!r}: it belongs to another model, fetch both again")
        if name not in expected:
            raise ValueError(f"{path} has a tensor {name!r} that the model does not have: it belongs to another model")
        if weights[name].shape != expected[name]:
            shapes = f"{tuple(weights[name].shape)} instead of {tuple(expected[name])}"
            raise ValueError(f"the tensor {name!r} of {path} has the shape {shapes}: fetch the model again")


def save_decoding(
    folder: Path, values: Mapping[str, float], label_priors: Mapping[str, Sequence[float]] | None = None
) -> None:
    """Store decoder defaults, and label priors, in a checkpoint folder; what else is stored there stays."""
    description = read_description(folder)
    description["decoding"] |= values
    description["label_priors"] = description.get("label_priors", {}) | (label_priors or {})
    FILES.write_description(folder, description)
