"""The fine-tuning of a wav2vec 2.0 network; resumable after a kill, on CPU cores, a GPU or several ranks."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from decoder.metrics import ErrorCounts, align
from models.ctc import greedy_labels, zero_linear
from models.loading import load_acoustic_model
from models.recipes.data.prepare import load
from models.recipes.finetuning.finetune_recipe import FineTuning
from models.recipes.finetuning.finetune_student import Draw, WaveformStudent
from models.recipes.finetuning.frame_teacher import FrameTeacher
from models.recipes.finetuning.waveform_encoder import trainable
from models.recipes.finetuning.waveforms import LABELS, SAMPLE_RATE, Recording, WaveformBatch, waveform_batches
from models.recipes.loop.average import Average
from models.recipes.loop.rank import Rank
from models.recipes.loop.run import Run
from models.recipes.loop.run_state import settings_of
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_checkpoint import HEAD, Wav2Vec2Checkpoint, save_wav2vec2
from models.wav2vec2_huggingface import is_pretrained, load_pretrained


class FineTuner:
    """The fine-tuning of a recipe in a folder, as models.recipes.loop.run has it; each rank makes batches of its own.

    start: the checkpoint that is fine-tuned. Its head is kept where it has our letters, else a new one is learnt.
    """

    def __init__(self, recipe: FineTuning, data: Path, output: Path, rank: Rank, start: Wav2Vec2Checkpoint) -> None:
        self.recipe, self.output, self.rank, self.start = recipe, output, rank, start
        torch.manual_seed(recipe.seed)
        self.batches = waveform_batches(recipe.recordings.train(data), recipe.batches, recipe.seed, rank)
        self.dev = recipe.recordings.dev(data)
        distillation = recipe.distillation
        self.teacher = FrameTeacher(distillation.folder(data), rank.device) if distillation else None
        student = WaveformStudent(_network(start), recipe, self.teacher.dim if self.teacher else 0)
        self.student = student.to(rank.device)
        self.average = Average(self.student.network, recipe.optimisation.ema_decay)
        kept = settings_of(recipe.kept, {"seed": recipe.seed, "start": start.sha256})
        self.loop = Run(self.student, self.average.weights, recipe.optimisation, kept, output, rank)

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        batches = self.batches.of_steps(self.recipe.name, self.loop.step, self.recipe.optimisation.steps)
        self.loop.train(batches, self._train_step, self._look)

    def _train_step(self, batch: WaveformBatch) -> None:
        step = self.loop.step
        frames = self.student.network.config.frames_in(batch.samples.shape[1])
        taught = self.teacher(batch, frames, self.student.network.config) if self.teacher else None
        losses = self.loop.shared(batch, taught, self._draw(step))
        weights = self._loss_weights(step)
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        self.loop.update(total, losses, batch.seconds)
        self.average.follow(step)

    def _draw(self, step: int) -> Draw:
        """What is drawn for a step depends on the seed and the step alone."""
        generator = self.rank.generator(np.random.default_rng([self.recipe.seed, 2, step]))
        return Draw(step < self.recipe.optimisation.head_steps, generator)

    def _loss_weights(self, step: int) -> dict[str, float]:
        """The factor of each loss at a step."""
        distillation = self.recipe.distillation
        if distillation is None:
            return {HEAD: 1.0}
        letters = 1.0 if step >= distillation.frames_alone else 0.0
        taught = {f"distilled {HEAD}": letters * distillation.weight, "teacher": distillation.frames_weight}
        return {HEAD: letters * distillation.ctc_weight, **taught}

    def _look(self) -> dict[str, float]:
        """Write the averaged weights as a checkpoint; its letter error rates on dev, per cent by corpus."""
        checkpoint = self.checkpoint()
        save_wav2vec2(self.output / "checkpoint", checkpoint)
        if not self.dev:
            return {}
        rates = letter_error_rates(checkpoint.build().to(self.rank.device), self.dev)
        return {f"dev {name}": round(rate, 2) for name, rate in rates.items()}

    def checkpoint(self) -> Wav2Vec2Checkpoint:
        """The averaged weights, matrices in 16 bits."""
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.loop.step,
            "hours_heard": round(self.loop.seconds_heard / 3600, 2),
            "optimisation": asdict(self.recipe.optimisation),
            "start": {"sha256": self.start.sha256, **self.start.provenance},
            **self.recipe.provenance,
        }
        if self.recipe.distillation is not None and self.teacher is not None:
            teacher = self.teacher.checkpoint.sha256
            provenance["distillation"] = {**asdict(self.recipe.distillation), "teacher": teacher}
        columns = tuple(range(len(LABELS)))
        config, weights = self.student.network.config, self.average.shipped()
        return Wav2Vec2Checkpoint(config, LABELS, columns, weights, provenance=provenance)


def load_start(folder: Path) -> Wav2Vec2Checkpoint:
    """A checkpoint to fine-tune, with a CTC head or without; ValueError for one of another kind."""
    if is_pretrained(folder):
        return load_pretrained(folder, LABELS)
    checkpoint = load_acoustic_model(folder)
    if not isinstance(checkpoint, Wav2Vec2Checkpoint):
        raise ValueError(f"{folder} is no wav2vec 2.0 network, and this recipe fine-tunes one: choose another --start")
    return checkpoint


def _network(start: Wav2Vec2Checkpoint) -> Wav2Vec2:
    """A checkpoint's network with a head for LABELS: its own, or one that starts at zero.

    ValueError where it hears another sample rate than the recordings are read at.
    """
    if start.config.sample_rate != SAMPLE_RATE:
        raise ValueError(
            f"the checkpoint hears {start.config.sample_rate} Hz, not {SAMPLE_RATE}: choose another --start"
        )
    network = trainable(start.config, start.weights)
    if start.labels != LABELS or start.columns != tuple(range(len(LABELS))):
        network.config = replace(start.config, outputs=len(LABELS))
        network.aux = zero_linear(start.config.dim, len(LABELS))
    return network


def letter_error_rates(network: Wav2Vec2, recordings: list[Recording]) -> dict[str, float]:
    """Greedy letter error rates in per cent with full context, for each corpus."""
    errors: dict[str, ErrorCounts] = {}
    device = network.aux.weight.device
    with torch.inference_mode():
        for one in recordings:
            assert one.labels is not None
            samples = torch.from_numpy(load(one.audio, 1.0))[None].to(device)
            heard = greedy_labels(network(network.normalise(samples))[0])
            corpus = one.key.split("/")[0]
            counts = align([str(label) for label in one.labels], [str(label) for label in heard])
            errors[corpus] = errors.get(corpus, ErrorCounts()) + counts
    return {corpus: 100 * counts.rate for corpus, counts in errors.items()}
