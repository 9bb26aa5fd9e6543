"""The fine-tuning of a wav2vec 2.0 network; resumable after a kill, on CPU cores, a GPU or several ranks."""

import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from decoder.metrics import ErrorCounts, align
from models.ctc import greedy_labels, zero_linear
from models.loading import load_acoustic_model
from models.recipes.finetune_recipe import FineTuning
from models.recipes.finetune_student import Draw, WaveformStudent
from models.recipes.frame_teacher import FrameTeacher
from models.recipes.optimisers import Optimisers
from models.recipes.prepare import load
from models.recipes.rank import Rank
from models.recipes.run_log import RunLog
from models.recipes.run_state import STATE, RunState, load_state, refusal, save_state
from models.recipes.waveform_encoder import trainable
from models.recipes.waveforms import LABELS, SAMPLE_RATE, Recording, WaveformBatch, waveform_batches
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_checkpoint import HEAD, Wav2Vec2Checkpoint, save_wav2vec2
from models.wav2vec2_huggingface import is_pretrained, load_pretrained


class FineTuner:
    """One run of a recipe in a folder; continues from the folder's state where there is one.

    rank: of several, each makes batches of its own, and the first one writes, as in models.recipes.train.
    start: the checkpoint that is fine-tuned. Its head is kept where it has our letters, else a new one is learnt.
    """

    def __init__(self, recipe: FineTuning, data: Path, output: Path, rank: Rank, start: Wav2Vec2Checkpoint) -> None:
        self.recipe, self.output, self.rank, self.start = recipe, output, rank, start
        output.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.batches = waveform_batches(recipe.recordings.train(data), recipe.batches, recipe.seed, rank)
        self.dev = recipe.recordings.dev(data)
        distillation = recipe.distillation
        self.teacher = FrameTeacher(distillation.folder(data), rank.device) if distillation else None
        student = WaveformStudent(_network(start), recipe, self.teacher.dim if self.teacher else 0)
        self.student = student.to(rank.device)
        self.average = {name: value.clone() for name, value in self._weights().items()}
        self.optimisers = Optimisers(self.student, recipe.optimisation)
        self.step, self.seconds_heard = 0, 0.0
        self._resume()
        self.losses = rank.share(self.student)
        self.log = RunLog(output)

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach() for name, tensor in self.student.network.state_dict().items()}

    def run(self) -> None:
        """Train to the last step of the recipe, then write the checkpoint."""
        config = self.recipe.optimisation
        batches = self.batches.of_steps(self.recipe.name, self.step, config.steps)
        with closing(self.log), closing(batches):
            for batch in batches:
                self._train_step(batch)
                if not self.rank.leads or self.step == config.steps:
                    continue
                if self.step % config.save_every == 0:
                    self._save()
                if self.step % config.evaluate_every == 0:
                    self._measure()
            if self.rank.leads:
                self._save()
                self._measure()

    def _train_step(self, batch: WaveformBatch) -> None:
        started = time.monotonic()
        config = self.recipe.optimisation
        frames = self.student.network.config.frames_in(batch.samples.shape[1])
        taught = self.teacher(batch, frames, self.student.network.config) if self.teacher else None
        losses = self.losses(batch, taught, self._draw())
        weights = self._loss_weights()
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), config.clip_norm)
        if torch.isfinite(norm):
            self.optimisers.step(self.step)
        self.optimisers.zero_grad()
        decay = min(config.ema_decay, (1 + self.step) / (10 + self.step))
        for name, value in self._weights().items():
            self.average[name].lerp_(value, 1 - decay)
        self.step += 1
        self.seconds_heard += self.rank.total(batch.seconds)
        if self.rank.leads and self.step % 20 == 0:
            figures = {name: round(loss.item(), 4) for name, loss in losses.items()}
            elapsed = round(time.monotonic() - started, 3)
            self._log({**figures, "norm": round(norm.item(), 3), "seconds": elapsed})

    def _draw(self) -> Draw:
        """What is drawn for a step depends on the seed and the step alone."""
        seed = int(np.random.default_rng([self.recipe.seed, 2, self.step]).integers(2**62)) + self.rank.number
        generator = torch.Generator(self.rank.device).manual_seed(seed)
        return Draw(self.step < self.recipe.optimisation.head_steps, generator)

    def _loss_weights(self) -> dict[str, float]:
        """The factor of each loss at this step."""
        distillation = self.recipe.distillation
        if distillation is None:
            return {HEAD: 1.0}
        letters = 1.0 if self.step >= distillation.frames_alone else 0.0
        taught = {f"distilled {HEAD}": letters * distillation.weight, "teacher": distillation.frames_weight}
        return {HEAD: letters * distillation.ctc_weight, **taught}

    def _log(self, figures: dict[str, float]) -> None:
        self.log.write(self.step, self.seconds_heard / 3600, figures)

    def _measure(self) -> None:
        """Write the averaged weights as a checkpoint, and their letter error rates on dev, per cent by corpus."""
        checkpoint = self.checkpoint()
        save_wav2vec2(self.output / "checkpoint", checkpoint)
        if self.dev:
            rates = letter_error_rates(checkpoint.build().to(self.rank.device), self.dev)
            self._log({f"dev {name}": round(rate, 2) for name, rate in rates.items()})

    def checkpoint(self) -> Wav2Vec2Checkpoint:
        """The averaged weights, matrices in 16 bits."""
        provenance = {
            "recipe": self.recipe.name,
            "seed": self.recipe.seed,
            "steps": self.step,
            "hours_heard": round(self.seconds_heard / 3600, 2),
            "optimisation": asdict(self.recipe.optimisation),
            "start": {"sha256": self.start.sha256, **self.start.provenance},
            **self.recipe.provenance,
        }
        if self.recipe.distillation is not None and self.teacher is not None:
            teacher = self.teacher.checkpoint.sha256
            provenance["distillation"] = {**asdict(self.recipe.distillation), "teacher": teacher}
        weights = {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in self.average.items()}
        weights = {name: tensor.cpu() for name, tensor in weights.items()}
        columns = tuple(range(len(LABELS)))
        return Wav2Vec2Checkpoint(self.student.network.config, LABELS, columns, weights, {}, provenance)

    def _save(self) -> None:
        student, optimisers = self.student.state_dict(), self.optimisers.tensors()
        state = RunState(student, self.average, optimisers, self.step, self.seconds_heard)
        save_state(self.output / STATE, state, self.recipe)

    def _resume(self) -> None:
        path = self.output / STATE
        state = load_state(path, self.recipe, self.rank.device)
        if state is None:
            return
        try:
            self.student.load_state_dict(state.student)
            self.optimisers.load_tensors(state.optimisers)
        except (RuntimeError, KeyError) as error:
            raise refusal(path, error) from error
        self.average, self.step, self.seconds_heard = state.average, state.step, state.seconds_heard


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
