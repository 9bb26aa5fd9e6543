"""The state file of a training run: all that it needs to go on, and which recipe it is of."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from models.model_files import save_tensors

STATE = "state.safetensors"

_FREE = {"steps", "save_every", "evaluate_every"}
"""What may change between two starts: how long a run is, and how often one looks at it."""


@dataclass(frozen=True, slots=True)
class RunState:
    """Tensors by name of the student, of its averaged weights and of the optimisers; how far the run is."""

    student: dict[str, Tensor]
    average: dict[str, Tensor]
    optimisers: dict[str, Tensor]
    step: int
    seconds_heard: float


def settings_of(sections: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """What a state cannot be separated from: a recipe's sections, which are dataclasses, and others; in JSON's types.

    Not the data and the added losses: a run may get more recordings, or end with another objective. Nor the number
    of steps, for to prolong a run is no other experiment: the rate goes on as if it had been so long from the start.
    """
    kept = dict(others)
    for section, config in sections.items():
        kept |= {f"{section}.{key}": value for key, value in asdict(config).items() if key not in _FREE}
    return json.loads(json.dumps(kept))  # type: ignore[no-any-return]


def save_state(path: Path, state: RunState, settings: Mapping[str, Any]) -> None:
    """Write a state atomically, with the settings that it cannot be separated from."""
    tensors = {f"student/{name}": tensor for name, tensor in state.student.items()}
    tensors |= {f"average/{name}": tensor for name, tensor in state.average.items()}
    tensors |= {f"optimisers/{name}": tensor for name, tensor in state.optimisers.items()}
    tensors["progress"] = torch.tensor([state.step, state.seconds_heard], dtype=torch.float64)
    tensors["settings"] = torch.tensor(list(json.dumps(settings).encode()), dtype=torch.uint8)
    save_tensors(path, {name: tensor.detach().cpu() for name, tensor in tensors.items()})


def load_state(path: Path, settings: Mapping[str, Any], device: torch.device) -> RunState | None:
    """The state in a file, None where there is none; ValueError for one that is damaged or has other settings."""
    if not path.exists():
        return None
    try:
        tensors = _as_now(load_file(path, device=str(device)))
        progress = tensors["progress"]
        # runs that were begun before settings were stored have none, those of text models had a section in one piece
        stored = json.loads(bytes(tensors["settings"].tolist())) if "settings" in tensors else {}
        stored |= {f"optimisation.{key}": value for key, value in stored.pop("optimisation", {}).items()}
    except (SafetensorError, KeyError, ValueError) as error:
        raise refusal(path, error) from error
    if changes := _changes(stored, settings):
        raise refusal(path, ", ".join(changes))
    return RunState(
        student=_below(tensors, "student/"),
        average=_below(tensors, "average/"),
        optimisers=_below(tensors, "optimisers/"),
        step=int(progress[0]),
        seconds_heard=float(progress[1]),
    )


def refusal(path: Path, reason: object) -> ValueError:
    """The error of a state that this run cannot go on from."""
    lines = str(reason).splitlines() or ["no reason given"]
    return ValueError(
        f"{path} is damaged or of another recipe ({lines[0]}): choose another --output, or delete it to begin afresh"
    )


def _as_now(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a state by their names of now: those of text models had a network, and a step alone."""
    if "step" not in tensors:
        return tensors
    student = {f"student/{name}": tensor for name, tensor in _below(tensors, "network/").items()}
    return tensors | student | {"progress": torch.tensor([int(tensors["step"]), 0.0])}


def _changes(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What was set otherwise; a setting that only one of the two has is of another version of this program."""
    both = [key for key in stored if key in wanted]
    return [f"{key} was {stored[key]!r}, now {wanted[key]!r}" for key in both if stored[key] != wanted[key]]


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
