"""A model's two files: weights as safetensors, and JSON that describes them; never pickle.

Each is written to a temporary name and renamed, the description last and with the SHA-256 of the weights, so a
half-written model is never taken for a whole one.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.quantisation import dequantise

Model = TypeVar("Model")
_DAMAGES = (KeyError, TypeError, AttributeError, ValueError, RuntimeError, RecursionError, SafetensorError)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """How the files of one kind of model are named, and what their description says that they are."""

    stem: str
    format: str
    version: int = 1

    @property
    def weights(self) -> str:
        """Name of the file of weights."""
        return f"{self.stem}.safetensors"

    @property
    def description(self) -> str:
        """Name of the file that describes them."""
        return f"{self.stem}.json"

    def write(self, folder: Path, weights: dict[str, Tensor], description: dict[str, Any]) -> str:
        """Write both files into a folder, which is made; the SHA-256 of the weights."""
        folder.mkdir(parents=True, exist_ok=True)
        save_tensors(folder / self.weights, weights)
        digest = file_sha256(folder / self.weights)
        whole = {"format": self.format, "version": self.version, **description, "sha256": digest}
        self.write_description(folder, whole)
        return digest

    def write_description(self, folder: Path, description: dict[str, Any]) -> None:
        """Write or replace the description alone."""
        text = json.dumps(description, indent=1, ensure_ascii=False) + "\n"
        write_atomically(folder / self.description, text.encode())

    def read(self, folder: Path, build: Callable[[dict[str, Any], dict[str, Tensor]], Model]) -> Model:
        """What build makes of the description and the weights, those of 8 bits as floats, both verified.

        Raises OSError where a file cannot be read, else ValueError in one line, also for all that build may raise on
        files that contradict each other.
        """
        path = folder / self.description
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            if description["format"] != self.format or description["version"] != self.version:
                raise ValueError(f"not version {self.version} of {self.format}")
            if file_sha256(folder / self.weights) != description["sha256"]:
                raise ValueError(f"{self.weights} has another SHA-256")
            return build(description, dequantise(load_file(folder / self.weights)))
        except _DAMAGES as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{path} is damaged ({reason}): fetch the model again") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step, so that a kill leaves the old or the new one."""
    with _beside(path) as temporary:
        temporary.write_bytes(content)


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file atomically."""
    with _beside(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """The name of a file to write, which then replaces another; of one that failed, on a full disk, nothing stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
