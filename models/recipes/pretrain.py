"""Self-supervised pre-training of an encoder on all audio; resumable after a kill at any moment.

The checkpoint that a run writes is for `asr train --start`: its heads are zero, as those of a new model are.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.checkpoint import Checkpoint, save_checkpoint
from models.conformer import ConformerEncoder
from models.ctc import CtcModel
from models.frontend import FrontendConfig
from models.quantiser import QuantiserConfig
from models.recipes.batches import Batch, BatchMaker, BatchPlan, Sample
from models.recipes.features import Store
from models.recipes.optimisers import Optimisers
from models.recipes.pretraining import (
    Data2vec,
    Data2vecConfig,
    Moment,
    Objective,
    Wav2vec,
    Wav2vec2,
    Wav2vec2Config,
    Wav2vecConfig,
)
from models.recipes.rank import Rank
from models.recipes.recipe import SECTIONS, Recipe, read_sections
from models.recipes.run_batches import RunBatches
from models.recipes.run_log import RunLog
from models.recipes.run_state import STATE, RunState, load_state, refusal, save_state
from models.recipes.samples import HEADS, noises, weight_of


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

    def objective(self, encoder: ConformerEncoder) -> Objective:
        """The objective, on an encoder."""
        if self.wav2vec2 is not None:
            return Wav2vec2(encoder, self.wav2vec2, self.quantiser or QuantiserConfig())
        if self.data2vec is not None:
            return Data2vec(encoder, self.data2vec)
        assert self.wav2vec is not None
        return Wav2vec(encoder, self.wav2vec, self.quantiser)


_SECTIONS = SECTIONS | {
    "wav2vec2": Wav2vec2Config,
    "data2vec": Data2vecConfig,
    "wav2vec": Wav2vecConfig,
    "quantiser": QuantiserConfig,
}


def read_pretraining_recipe(path: Path) -> PretrainingRecipe:
    """A recipe file; ValueError names a key that it does not know or lacks."""
    return read_sections(path, PretrainingRecipe, _SECTIONS)


class Pretrainer:
    """One run of a recipe in a folder; continues from the folder's state where there is one.

    rank: of several, each makes batches of its own, and the first one writes, as in models.recipes.train.
    """

    def __init__(self, recipe: PretrainingRecipe, data: Path, output: Path, rank: Rank) -> None:
        self.recipe, self.output, self.rank = recipe, output, rank
        output.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        samples = _all_speech(recipe, data)
        if not samples:
            raise ValueError(f"the recipe {recipe.name} finds nothing to train on under {data}")
        plan = BatchPlan(samples, recipe.batches, recipe.seed)
        maker = BatchMaker(noises(recipe, data), recipe.batches, recipe.augmentation, (), recipe.seed)
        self.batches = RunBatches(plan, maker, rank)
        self.objective = recipe.objective(_new_encoder(recipe, samples)).to(rank.device)
        self.optimisers = Optimisers(self.objective, recipe.optimisation)
        self.step, self.seconds_heard = 0, 0.0
        self._resume()
        self.losses = rank.share(self.objective)
        self.log = RunLog(output)

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        config = self.recipe.optimisation
        batches = self.batches.of_steps(self.recipe.name, self.step, config.steps)
        with closing(self.log), closing(batches):
            for batch in batches:
                self._train_step(batch)
                if self.rank.leads and self.step % config.save_every == 0:
                    self._save()
            if self.rank.leads:
                self._save()
                self.export()

    def _train_step(self, batch: Batch) -> None:
        started = time.monotonic()
        config = self.recipe.optimisation
        moment = self._moment()
        loss, figures = self.losses(batch.features, batch.lengths, moment)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.objective.parameters(), config.clip_norm)
        if torch.isfinite(norm):
            self.optimisers.step(self.step)
        self.optimisers.zero_grad()
        self.step += 1
        self.objective.follow(self.step / config.steps)
        self.seconds_heard += self.rank.total(batch.seconds)
        if self.rank.leads and self.step % 20 == 0:
            seen = {name: round(figure.item(), 4) for name, figure in figures.items()}
            elapsed = round(time.monotonic() - started, 3)
            timed = {"norm": round(norm.item(), 3), "seconds": elapsed, "chunk": moment.chunk_frames or 0}
            self.log.write(self.step, self.seconds_heard / 3600, seen | timed)

    def _moment(self) -> Moment:
        """What is drawn for a step depends on the seed and the step alone."""
        config = self.recipe.optimisation
        random = np.random.default_rng([self.recipe.seed, 2, self.step])
        chunk = config.chunks[random.integers(len(config.chunks))]
        generator = torch.Generator(self.rank.device).manual_seed(int(random.integers(2**62)) + self.rank.number)
        return Moment(chunk or None, self.step / config.steps, generator)

    def export(self) -> Path:
        """Write the encoder with heads of zero as a checkpoint; its folder."""
        folder = self.output / "checkpoint"
        model = CtcModel(self.recipe.encoder, HEADS)
        model.encoder.load_state_dict(self.objective.encoder.state_dict())
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.step,
            "hours_heard": round(self.seconds_heard / 3600, 1),
            **self.recipe.provenance,
        }
        save_checkpoint(
            folder,
            Checkpoint(FrontendConfig(), self.recipe.encoder, HEADS, model.state_dict(), {}, provenance),
        )
        return folder

    def _save(self) -> None:
        state = RunState(self.objective.state_dict(), {}, self.optimisers.tensors(), self.step, self.seconds_heard)
        save_state(self.output / STATE, state, self.recipe)

    def _resume(self) -> None:
        state = load_state(self.output / STATE, self.recipe, self.rank.device)
        if state is None:
            return
        try:
            self.objective.load_state_dict(state.student)
            self.optimisers.load_tensors(state.optimisers)
        except (RuntimeError, KeyError) as error:
            raise refusal(self.output / STATE, error) from error
        self.step, self.seconds_heard = state.step, state.seconds_heard


def _all_speech(recipe: Recipe, data: Path) -> list[Sample]:
    """Every utterance of the stores, transcribed or not; none are joined, for each is compared with itself."""
    stores = [Store(data / name) for name in recipe.stores]
    return [Sample(one, store, None, None, weight_of(recipe, one)) for store in stores for one in store.entries]


def _new_encoder(recipe: Recipe, samples: list[Sample]) -> ConformerEncoder:
    """A random encoder that normalises by the mean and deviation of some of the speech."""
    encoder = ConformerEncoder(recipe.encoder)
    order = np.random.default_rng(recipe.seed).permutation(len(samples))
    frames = np.concatenate([samples[one].features.log_mel(samples[one].entry) for one in order[:1000]])
    encoder.mean.copy_(torch.from_numpy(frames.mean(0)))
    encoder.deviation.copy_(torch.from_numpy(frames.std(0)))
    return encoder
