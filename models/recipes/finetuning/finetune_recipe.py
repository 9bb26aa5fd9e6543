"""Fine-tuning of a wav2vec 2.0 network with CTC, as a TOML file: the paper's recipe and its defaults.

Baevski et al., wav2vec 2.0 (2020), sections 3.3 and 4.3 and appendix B.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.recipes.data.batches import BatchConfig
from models.recipes.finetuning.waveforms import Recordings
from models.recipes.pretraining.masks import Spans
from models.recipes.recipe import read_sections


@dataclass(frozen=True, slots=True)
class TriStage:
    """Linear warm-up, a plateau, exponential decay; AdamW, and Muon where it has a rate; averaged weights.

    warmup, hold: shares of the steps; the rest is decay to final_rate of the peak. head_steps: the first steps, in
    which the head alone learns. freeze_features: the feature encoder keeps what pre-training taught it; without, it
    learns once the head has. layer_drop: chance of a layer to be passed by (Fan et al., LayerDrop, 2020).
    """

    steps: int = 20_000
    warmup: float = 0.1
    hold: float = 0.4
    final_rate: float = 0.05
    learning_rate: float = 5e-5
    muon_learning_rate: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 5.0
    ema_decay: float = 0.999
    head_steps: int = 0
    freeze_features: bool = True
    layer_drop: float = 0.0
    save_every: int = 250
    evaluate_every: int = 1000

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if min(self.warmup, self.hold) < 0 or self.warmup + self.hold > 1:
            raise ValueError(f"warmup and hold must be shares of the run, not {self.warmup} and {self.hold}")
        if not 0 < self.final_rate <= 1:
            raise ValueError(f"final_rate must be above 0, for an exponential decay to it, not {self.final_rate}")
        if not 0 <= self.layer_drop < 1:
            raise ValueError(f"layer_drop must be a chance below 1, not {self.layer_drop}")

    def share(self, step: int) -> float:
        """Share of the peak rate at a step."""
        done = min(1.0, (step + 1) / self.steps)
        if done < self.warmup:
            return done / self.warmup
        decayed = max(0.0, done - self.warmup - self.hold) / max(1e-9, 1 - self.warmup - self.hold)
        return float(self.final_rate**decayed)


@dataclass(frozen=True, slots=True)
class FrameDistillation:
    """A streaming recogniser of this program as the teacher of every frame, beside CTC.

    teacher: its checkpoint folder, under the data folder or from where the command runs; it hears with full context.
    temperature: softens both posteriors of the letters. weight: of their divergence. ctc_weight: of CTC beside it.
    frames_weight: of the squared error to the teacher's standardised encoder frames, which a projection tells; in the
    first steps, frames_alone, nothing else counts, so that the layers tell frames apart when the head begins.
    """

    teacher: str
    temperature: float = 1.0
    weight: float = 1.0
    ctc_weight: float = 1.0
    frames_weight: float = 0.0
    frames_alone: int = 0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"the temperature must be above 0, not {self.temperature}")

    def folder(self, data: Path) -> Path:
        """The teacher's checkpoint folder."""
        below = data / self.teacher
        return below if below.is_dir() else Path(self.teacher)


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Everything that decides what a fine-tuning run makes of a checkpoint.

    time_masks: spans of frames behind the projection of the features, which become one learnt vector; channel_masks:
    spans of their dimensions, which become zero; none where a recipe has no such section.
    """

    name: str
    seed: int
    recordings: Recordings
    time_masks: Spans | None = None
    channel_masks: Spans | None = None
    batches: BatchConfig = field(default_factory=BatchConfig)
    optimisation: TriStage = field(default_factory=TriStage)
    distillation: FrameDistillation | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> dict[str, Any]:
        """What a run's state cannot be separated from, by section."""
        return {"optimisation": self.optimisation}


_SECTIONS = {
    "recordings": Recordings,
    "time_masks": Spans,
    "channel_masks": Spans,
    "batches": BatchConfig,
    "optimisation": TriStage,
    "distillation": FrameDistillation,
}


def read_finetuning_recipe(path: Path) -> FineTuning:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    return read_sections(path, FineTuning, _SECTIONS)
