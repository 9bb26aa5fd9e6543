"""What a pre-training recipe teaches, and whom: a streaming encoder, or a wav2vec 2.0 network."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models.checkpoint import Checkpoint, save_checkpoint
from models.conformer import ConformerEncoder
from models.ctc import CtcModel
from models.frontend import FrontendConfig
from models.quantiser import QuantiserConfig
from models.recipes.data.batches import Batch, BatchConfig, BatchMaker, BatchPlan, Sample
from models.recipes.data.features import Store
from models.recipes.data.samples import HEADS, noises, weight_of
from models.recipes.finetuning.waveform_encoder import WaveformEncoder, new_network
from models.recipes.finetuning.waveforms import LABELS, Recordings, WaveformBatch, waveform_batches
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_batches import RunBatches
from models.recipes.pretraining.mel_guidance import MelGuidance, MelGuidedWav2vec2
from models.recipes.pretraining.objectives import (
    Data2vec,
    Data2vecConfig,
    Objective,
    Wav2vec,
    Wav2vec2,
    Wav2vec2Config,
    Wav2vecConfig,
)
from models.recipes.recipe import SECTIONS, Optimisation, Recipe, read_sections, read_table
from models.recipes.student import normalise_by, some_of
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, save_wav2vec2
from models.wav2vec2_config import Wav2Vec2Config

AnyBatch = Batch | WaveformBatch


class Pretraining(Protocol):
    """A recipe of either kind."""

    @property
    def name(self) -> str:
        """Of the recipe."""
        ...

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        ...

    @property
    def optimisation(self) -> Optimisation:
        """How long and how fast it learns."""
        ...

    @property
    def provenance(self) -> dict[str, Any]:
        """What its checkpoint tells."""
        ...

    @property
    def kept(self) -> dict[str, Any]:
        """What a run's state cannot be separated from, by section."""
        ...

    def begin(self, data: Path, rank: Rank) -> tuple[RunBatches[Any, Any], Objective]:
        """The run's batches and its new objective; ValueError where there is nothing to train on."""
        ...

    def save(self, folder: Path, objective: Objective, provenance: dict[str, Any]) -> None:
        """Write what was taught as a checkpoint for `asr train --start`."""
        ...


@dataclass(frozen=True, slots=True)
class PretrainingRecipe(Recipe):
    """A recipe with one of the objectives; a quantiser makes wav2vec vq-wav2vec, and is wav2vec 2.0's."""

    wav2vec2: Wav2vec2Config | None = None
    data2vec: Data2vecConfig | None = None
    wav2vec: Wav2vecConfig | None = None
    quantiser: QuantiserConfig | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.wav2vec2, self.data2vec, self.wav2vec)) != 1:
            raise ValueError("there must be one of the sections [wav2vec2], [data2vec] and [wav2vec]")
        if self.data2vec is not None and self.quantiser is not None:
            raise ValueError("data2vec has no quantiser: remove the section [quantiser]")

    def begin(self, data: Path, rank: Rank) -> tuple[RunBatches[Sample, Batch], Objective]:
        """The run's batches and its new objective; ValueError where there is nothing to train on."""
        samples = _all_speech(self, data)
        if not samples:
            raise ValueError(f"the recipe {self.name} finds nothing to train on under {data}")
        plan = BatchPlan(samples, self.batches, self.seed)
        maker = BatchMaker(noises(self, data), self.batches, self.augmentation, (), self.seed)
        encoder = ConformerEncoder(self.encoder)
        normalise_by(encoder, some_of(samples, self.seed))
        return RunBatches(plan, maker, rank), self.objective(encoder)

    def save(self, folder: Path, objective: Objective, provenance: dict[str, Any]) -> None:
        """Write the encoder with heads of zero as a checkpoint."""
        model = CtcModel(self.encoder, HEADS)
        model.encoder.load_state_dict(objective.encoder.state_dict())
        weights = model.state_dict()
        save_checkpoint(folder, Checkpoint(FrontendConfig(), self.encoder, HEADS, weights, provenance=provenance))

    def objective(self, encoder: ConformerEncoder) -> Objective:
        """The objective, on an encoder."""
        if self.wav2vec2 is not None:
            return Wav2vec2(encoder, self.wav2vec2, self.quantiser or QuantiserConfig())
        if self.data2vec is not None:
            return Data2vec(encoder, self.data2vec)
        assert self.wav2vec is not None
        return Wav2vec(encoder, self.wav2vec, self.quantiser)


@dataclass(frozen=True, slots=True)
class WaveformPretraining:
    """Pre-training of a wav2vec 2.0 network: wav2vec 2.0 or data2vec, with the sections of PretrainingRecipe.

    log_mel: beside wav2vec 2.0, for a run that is short.
    """

    name: str
    seed: int
    recordings: Recordings
    network: Wav2Vec2Config
    wav2vec2: Wav2vec2Config | None = None
    data2vec: Data2vecConfig | None = None
    quantiser: QuantiserConfig = field(default_factory=QuantiserConfig)
    log_mel: MelGuidance | None = None
    batches: BatchConfig = field(default_factory=BatchConfig)
    optimisation: Optimisation = field(default_factory=lambda: Optimisation(chunks=(0,)))
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.wav2vec2 is None) == (self.data2vec is None):
            raise ValueError("there must be one of the sections [wav2vec2] and [data2vec]")
        if self.log_mel is not None and self.wav2vec2 is None:
            raise ValueError("[log_mel] is for wav2vec 2.0: remove it")
        if self.network.outputs != len(LABELS):
            raise ValueError(f"the network must have {len(LABELS)} outputs, the letters of this program")
        if self.optimisation.chunks != (0,):
            raise ValueError("a network on samples has full context only: set chunks = [0] in [optimisation]")

    @property
    def kept(self) -> dict[str, Any]:
        """What a run's state cannot be separated from, by section."""
        return {"network": self.network, "optimisation": self.optimisation}

    def begin(self, data: Path, rank: Rank) -> tuple[RunBatches[Any, Any], Objective]:
        """The run's batches and its new objective; ValueError where there is nothing to train on."""
        batches = waveform_batches(self.recordings.train(data), self.batches, self.seed, rank)
        return batches, self._objective(WaveformEncoder(new_network(self.network)))

    def save(self, folder: Path, objective: Objective, provenance: dict[str, Any]) -> None:
        """Write the network with a head of zero as a checkpoint."""
        assert isinstance(objective.encoder, WaveformEncoder)
        network = objective.encoder.network
        weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
        columns = tuple(range(len(LABELS)))
        save_wav2vec2(folder, Wav2Vec2Checkpoint(network.config, LABELS, columns, weights, provenance=provenance))

    def _objective(self, encoder: WaveformEncoder) -> Objective:
        if self.data2vec is not None:
            return Data2vec(encoder, self.data2vec)
        assert self.wav2vec2 is not None
        if self.log_mel is not None:
            return MelGuidedWav2vec2(encoder, self.wav2vec2, self.quantiser, self.log_mel)
        return Wav2vec2(encoder, self.wav2vec2, self.quantiser)


_OBJECTIVES = {"wav2vec2": Wav2vec2Config, "data2vec": Data2vecConfig, "quantiser": QuantiserConfig}
_WAVEFORM_SECTIONS = _OBJECTIVES | {
    "recordings": Recordings,
    "network": Wav2Vec2Config,
    "log_mel": MelGuidance,
    "batches": BatchConfig,
    "optimisation": Optimisation,
}


def read_pretraining_recipe(path: Path) -> Pretraining:
    """A recipe file, of a network on samples where it has [recordings]; ValueError names a bad key."""
    if "recordings" in read_table(path):
        return read_sections(path, WaveformPretraining, _WAVEFORM_SECTIONS)
    return read_sections(path, PretrainingRecipe, SECTIONS | _OBJECTIVES | {"wav2vec": Wav2vecConfig})


def _all_speech(recipe: Recipe, data: Path) -> list[Sample]:
    """Every utterance of the stores, transcribed or not; none are joined, for each is compared with itself."""
    stores = [Store(data / name) for name in recipe.stores]
    return [
        Sample(one, store, None, None, weight_of(one.key, recipe.weights)) for store in stores for one in store.entries
    ]
