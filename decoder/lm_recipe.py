"""The recipe of a language model: what text, how much of it, and how it is pruned. One TOML file."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """One file of text, a sentence a line (.txt, .xz, .gz), or the transcripts of one split of a manifest.

    path: relative to the data folder; a manifest may hold `*`.
    weight: how often its sentences are counted; 0.5 takes every other block of lines.
    vocabulary_weight: the same for the choice of the vocabulary alone.
    split: the split to take, for a manifest.jsonl.
    model: the name of the model that it is for, where a recipe has several.
    """

    name: str
    path: str
    weight: float = 1.0
    vocabulary_weight: float = 1.0
    split: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        if self.weight < 0 or self.vocabulary_weight < 0:
            raise ValueError(f"source {self.name}: a weight is negative")


@dataclass(frozen=True, slots=True)
class Generated:
    """Made-up sentences of what text seldom holds: `digits` (strings of them) or `spelling` (of words)."""

    kind: str
    sentences: int
    seed: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("digits", "spelling"):
            raise ValueError(f"generated text is digits or spelling, not {self.kind!r}")


@dataclass(frozen=True, slots=True)
class TextOptions:
    """Every `held_back_every`-th block of `block_lines` lines of a source is kept out for perplexity."""

    held_back_every: int = 100
    block_lines: int = 50

    def __post_init__(self) -> None:
        if self.held_back_every < 2 or self.block_lines < 1:
            raise ValueError("held_back_every must be at least 2 and block_lines at least 1")


@dataclass(frozen=True, slots=True)
class ExcludeOptions:
    """Transcripts that must not be learnt: no sentence equals or shares `shared_words` words with one."""

    manifests: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("dev", "test")
    shared_words: int = 7

    def __post_init__(self) -> None:
        if self.shared_words < 2:
            raise ValueError("shared_words must be at least 2")


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Manifests whose transcripts are scored beside the held-back text."""

    manifests: tuple[str, ...] = ()
    split: str = "dev"


@dataclass(frozen=True, slots=True)
class EstimateOptions:
    """Size of the vocabulary, order, count cut-offs per order (see lmplz --prune) and lmplz's memory.

    ngrams: how many of several words are left by entropy (decoder.lm_prune); 0 leaves all.
    """

    vocabulary: int = 60_000
    order: int = 3
    prune: tuple[int, ...] = ()
    memory: str = "2G"
    ngrams: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 6 or self.vocabulary < 1 or self.ngrams < 0:
            raise ValueError("order must be 1 to 6, vocabulary at least 1 and ngrams 0 or more")
        _check_cut_offs(self.prune, self.order)


def _check_cut_offs(prune: tuple[int, ...], order: int) -> None:
    if len(prune) > order or list(prune) != sorted(prune):
        raise ValueError("prune has at most one cut-off per order, none smaller than the one before")


@dataclass(frozen=True, slots=True)
class Model:
    """One of several models that are estimated apart, each from its sources, and then mixed (decoder.lm_mix).

    share: of it among all; taken in proportion. prune: its own count cut-offs, where they are others.
    """

    name: str = ""
    share: float = 1.0
    prune: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.share > 0:
            raise ValueError(f"model {self.name!r}: the share must be above 0")


@dataclass(frozen=True, slots=True)
class BinaryOptions:
    """Bits of the quantised trie (see build_binary -q, -b, -a)."""

    probability_bits: int = 8
    backoff_bits: int = 7
    pointer_bits: int = 22


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a language model is. Generated text is for every model."""

    sources: tuple[Source, ...]
    generated: tuple[Generated, ...] = ()
    models: tuple[Model, ...] = (Model(),)
    text: TextOptions = TextOptions()
    exclude: ExcludeOptions = ExcludeOptions()
    evaluate: EvaluateOptions = EvaluateOptions()
    estimate: EstimateOptions = EstimateOptions()
    binary: BinaryOptions = BinaryOptions()

    def __post_init__(self) -> None:
        for model in self.models:
            _check_cut_offs(model.prune, self.estimate.order)


def _options(kind: Callable[..., T], table: object, where: str) -> T:
    """A dataclass from a TOML table; ValueError names an unknown, missing or wrong key."""
    if not isinstance(table, dict):
        raise ValueError(f"{where} must be a table")
    known = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number != (known[key] in (int, float)):
            raise ValueError(f"{where}: {key} has a value of the wrong type")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {str(error).partition('() ')[2] or error}") from error


def parse_recipe(content: dict[str, Any]) -> Recipe:
    """A recipe from parsed TOML; ValueError says which key is wrong."""
    single = {
        "text": TextOptions,
        "exclude": ExcludeOptions,
        "evaluate": EvaluateOptions,
        "estimate": EstimateOptions,
        "binary": BinaryOptions,
    }
    unknown = set(content) - set(single) - {"source", "generated", "model"}
    if unknown:
        raise ValueError(
            f"unknown table {sorted(unknown)[0]!r}; known are source, generated, model, {', '.join(single)}"
        )
    sources = tuple(_options(Source, table, "source") for table in content.get("source", ()))
    if not sources:
        raise ValueError("a recipe needs at least one [[source]]")
    if len({source.name for source in sources}) < len(sources):
        raise ValueError("two sources have the same name")
    generated = tuple(_options(Generated, table, "generated") for table in content.get("generated", ()))
    models = tuple(_options(Model, table, "model") for table in content.get("model", ({},)))
    if sorted(model.name for model in models) != sorted({source.model for source in sources}):
        raise ValueError(
            "each [[model]] needs a [[source]] with its name as `model`, and each source one of the models"
        )
    tables = {name: _options(kind, content.get(name, {}), name) for name, kind in single.items()}
    return Recipe(sources, generated, models, **tables)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file; OSError if it cannot be read, ValueError with its name if it is wrong."""
    try:
        return parse_recipe(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
