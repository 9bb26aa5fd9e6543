"""The models that are known by name: where their files are, and what is publicly said about them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

REGISTRY = Path(__file__).parents[1] / "resources" / "models.toml"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file beforehand: its size in bytes and SHA-256, None where nobody says."""

    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class KnownModel:
    """An entry of resources/models.toml, where the fields are explained."""

    name: str
    language: str
    licence: str
    hub: str = ""
    revision: str = "main"
    bundle: str = ""
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    megabytes: float | None = None
    wer: Mapping[str, float] = field(default_factory=dict)
    cites: tuple[str, ...] = ()

    @property
    def size_mb(self) -> float | None:
        """Megabytes to fetch, about; None where nobody says."""
        sizes = [facts.bytes for facts in self.files.values()]
        known = sum(size for size in sizes if size is not None)
        return self.megabytes or (known / 1e6 if sizes and None not in sizes else None)


@cache
def known_models() -> Mapping[str, KnownModel]:
    """The models that can be fetched, by name."""
    return {entry["name"]: _model(entry) for entry in _registry()["model"]}


def shipped_facts(name: str) -> Mapping[str, Any]:
    """What is known of a model that ships: its language and licence."""
    facts: Mapping[str, Any] = _registry()["shipped"].get(name, {})
    return facts


def bundle_of(file_name: str) -> KnownModel | None:
    """The torchaudio bundle that a file of weights belongs to."""
    return next((model for model in known_models().values() if model.bundle and file_name in model.files), None)


@cache
def _registry() -> Mapping[str, Any]:
    return tomllib.loads(REGISTRY.read_text(encoding="utf-8"))


def _model(entry: dict[str, Any]) -> KnownModel:
    files = {path: FileFacts(**facts) for path, facts in entry.get("files", {}).items()}
    return KnownModel(**entry | {"files": files, "cites": tuple(entry.get("cites", ()))})
