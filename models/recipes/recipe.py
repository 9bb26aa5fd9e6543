"""A training experiment as a TOML file."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

from models.conformer import EncoderConfig
from models.recipes.data.augment import Augmentation
from models.recipes.data.batches import BatchConfig

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Optimisation:
    """Muon for the matrices of the blocks, AdamW for all else; linear warm-up, cosine decay, averaged weights.

    Muon (Jordan, 2024) makes each update orthogonal; it needs less than half of AdamW's steps here.

    learning_rate: AdamW's peak. muon_learning_rate: Muon's, in AdamW's scale (updates of the same root mean square).

    chunks: encoder frames a chunk, drawn for each batch; 0 is full context.
    head_weights, teacher_weight: factors of the losses. In the first teacher_steps the teacher is heard
    alone, so that the encoder already tells frames apart when CTC begins.
    """

    steps: int = 16000
    warmup_steps: int = 600
    learning_rate: float = 1.5e-3
    muon_learning_rate: float = 5e-3
    final_rate: float = 0.02
    weight_decay: float = 0.01
    clip_norm: float = 5.0
    ema_decay: float = 0.999
    chunks: tuple[int, ...] = (4, 8, 16, 32, 0)
    head_weights: dict[str, float] = field(default_factory=lambda: {"phonemes": 1.0, "characters": 0.3})
    teacher_weight: float = 1.0
    teacher_steps: int = 0
    save_every: int = 250
    evaluate_every: int = 1000

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if not self.chunks or min(self.chunks) < 0:
            raise ValueError(f"chunks must be encoder frames, or 0 for full context, not {list(self.chunks)}")

    def share(self, step: int) -> float:
        """Share of the peak rate: linear warm-up, then a cosine down to final_rate."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = min(1.0, (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps))
        return self.final_rate + (1 - self.final_rate) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True, slots=True)
class Distillation:
    """Learning the posteriors of a larger model of our own, on transcribed and untranscribed speech alike.

    teacher: its checkpoint folder, under the data folder or absolute. chunk_frames: encoder frames a chunk of the
    teacher; 0 is full context. temperature: softens both posteriors. weight: factor beside the head_weights.
    """

    teacher: str
    temperature: float = 2.0
    weight: float = 1.0
    chunk_frames: int = 0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"the temperature must be above 0, not {self.temperature}")
        if self.chunk_frames < 0:
            raise ValueError(f"chunk_frames must be 0, for full context, or above, not {self.chunk_frames}")


@dataclass(frozen=True, slots=True)
class SequenceTraining:
    """Minimum expected word errors over n-best lists, as the last stage of a run.

    start_step: from it on the expected errors count with weight, and all other losses, CTC's above all, with the
    factor interpolation. lexicon, lm: files of the search, under the data folder or absolute; without lm every word
    is as likely as any. nbest: hypotheses a list. alpha, beta: weight of the language model and bonus of a word.
    prior_scale: share of the labels' priors that is taken off, as the search will; priors: the checkpoint folder that
    has them, under the data folder or absolute (`asr tune --save`).
    """

    lexicon: str
    lm: str = ""
    priors: str = ""
    start_step: int = 0
    weight: float = 1.0
    interpolation: float = 0.1
    nbest: int = 4
    beam_width: int = 50
    alpha: float = 0.9
    beta: float = -0.5
    prior_scale: float = 0.0

    def __post_init__(self) -> None:
        if bool(self.prior_scale) != bool(self.priors):
            raise ValueError("prior_scale and priors belong together: give both or none")
        if self.nbest < 2:
            raise ValueError(f"nbest must be 2 or more, for hypotheses to compare, not {self.nbest}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a training run makes.

    stores, teacher_stores, dev_stores, noise_stores: folders under the data folder that prepare wrote.
    nonspeech_stores: recordings in which nobody speaks, learnt as such.
    weights: how often an utterance is heard in an epoch, by the beginning of its key; else once.
    transcripts: JSON-lines files under the data folder with key and text, for utterances without a text.
    lexicon: a file of pronunciations, under the data folder or absolute; espeak-ng says the words where there is none.
    """

    name: str
    seed: int
    stores: tuple[str, ...]
    teacher_stores: tuple[str, ...]
    dev_stores: tuple[str, ...]
    noise_stores: tuple[str, ...]
    weights: dict[str, float]
    nonspeech_stores: tuple[str, ...] = ()
    transcripts: tuple[str, ...] = ()
    lexicon: str = ""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    batches: BatchConfig = field(default_factory=BatchConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    optimisation: Optimisation = field(default_factory=Optimisation)
    distillation: Distillation | None = None
    sequence: SequenceTraining | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> dict[str, Any]:
        """What a run's state cannot be separated from, by section."""
        return {"encoder": self.encoder, "optimisation": self.optimisation}


SECTIONS = {  # the tables of a recipe file
    "encoder": EncoderConfig,
    "batches": BatchConfig,
    "augmentation": Augmentation,
    "optimisation": Optimisation,
    "distillation": Distillation,
    "sequence": SequenceTraining,
}


def read_recipe(path: Path) -> Recipe:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    return read_sections(path, Recipe, SECTIONS)


def read_sections(path: Path, kind: type[Kind], sections: Mapping[str, type]) -> Kind:
    """A dataclass from a TOML file, some of whose fields are dataclasses; ValueError as of read_recipe."""
    table = read_table(path)
    for name, section in sections.items():
        if name in table:
            table[name] = _build(section, table[name], f"{path}, [{name}]")
    return _build(kind, table, str(path))  # type: ignore[no-any-return]


def read_table(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A TOML file as it is, over the one that it names as its `base`; ValueError where one cannot be read.

    above: the files that it is a base of.
    """
    path = path.resolve()
    if path in above:
        raise ValueError(f"the recipe {path} is a base of itself: name another one")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read the recipe {path}: {error.strerror}: check its name") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"cannot read the recipe {path}: {error}") from error
    base = table.pop("base", None)
    return table if base is None else _over(read_table(path.parent / str(base), (*above, path)), table)


def _over(base: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """A table in which another one's values stand before those of the base, in tables within it, too."""
    merged = dict(base)
    for key, value in table.items():
        inner = base.get(key)
        merged[key] = _over(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _build(kind: type, table: Any, place: str) -> Any:
    """A dataclass from a TOML table; ValueError names the place and what is wrong there."""
    if not isinstance(table, dict):
        raise ValueError(f"{place} must be a section, not {table!r}")
    known = {one.name: one.type for one in fields(kind)}
    values = {key: _tuples(value) for key, value in table.items()}
    for key, value in values.items():
        if key not in known:
            raise ValueError(f"{place}: unknown key {key!r}; known are {', '.join(sorted(known))}")
        if not _fits(value, known[key]):
            raise ValueError(f"{place}: {key} = {value!r} is of the wrong type")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def _tuples(value: Any) -> Any:
    """A list as a tuple, and the lists in it."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a field's type, with all that is in it; an integer is a number, too, a truth is none."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple and inner[-1] is not Ellipsis:
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(_fits, value, inner))
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inner[1]) for one in value.values())
    if origin is not None:  # list[X] or tuple[X, ...]
        return isinstance(value, origin) and all(_fits(one, inner[0]) for one in value)
    if kind is Any or isinstance(value, bool):
        return kind in (Any, bool)
    return isinstance(value, (int, float) if kind is float else kind)
