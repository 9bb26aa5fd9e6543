"""Recordings as they are, for networks that hear samples: what is trained on, and batches of it.

Nothing is prepared: a recipe names manifests, and their recordings are read when their turn comes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.recipes.data.batches import BatchConfig, BatchPlan, Labels
from models.recipes.data.prepare import load, utterances_of
from models.recipes.data.samples import CHARACTERS, WORD_DELIMITER, read_transcripts, weight_of
from models.recipes.loop.rank import Rank
from models.recipes.loop.run_batches import RunBatches
from models.wav2vec2_vocabulary import BLANK

LABELS = (BLANK, *CHARACTERS)
"""What a network is taught to write."""

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Recording:
    """One utterance; labels are None where nobody knows its words. frames: its length, 100 a second."""

    key: str
    audio: Path
    frames: int
    labels: Labels | None
    weight: float

    @property
    def is_transcribed(self) -> bool:
        """Whether its words are known."""
        return self.labels is not None


@dataclass(frozen=True, slots=True)
class WaveformBatch:
    """samples (B, N), lengths (B,); labels of the transcribed recordings one after the other, transcribed (B,)."""

    samples: Tensor
    lengths: Tensor
    labels: Tensor
    label_lengths: Tensor
    transcribed: Tensor

    @property
    def heard(self) -> tuple[Tensor, Tensor]:
        """What an encoder hears, and how long it is."""
        return self.samples, self.lengths

    @property
    def seconds(self) -> float:
        """Seconds of audio in the batch, padding left out."""
        return float(self.lengths.sum()) / SAMPLE_RATE

    def to(self, device: torch.device) -> "WaveformBatch":
        """The batch on a device."""
        if device.type == "cpu":
            return self
        moved = (self.samples, self.lengths, self.labels, self.label_lengths, self.transcribed)
        return WaveformBatch(*(tensor.to(device, non_blocking=True) for tensor in moved))


@dataclass(frozen=True, slots=True)
class Recordings:
    """Which recordings a recipe hears; a section of it, and the same for all kinds of runs.

    manifests, dev_manifests: files under the data folder, of which the train and unlabelled splits are heard, and
    the dev split. transcripts: JSON-lines files with key and text, for recordings without a text.
    weights: how often a recording is heard in an epoch, by the beginning of its key; else once.
    """

    manifests: tuple[str, ...]
    dev_manifests: tuple[str, ...] = ()
    transcripts: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)

    def of(self, data: Path, manifests: Sequence[str], splits: list[str]) -> list[Recording]:
        """The recordings of some splits; a text that has other letters than LABELS counts as not known."""
        texts = read_transcripts([data / name for name in self.transcripts])
        return [
            Recording(
                key=key,
                audio=one.audio,
                frames=round(one.duration * 100),
                labels=labels_of(one.text or texts.get(key)),
                weight=weight_of(key, self.weights),
            )
            for key, one in utterances_of([data / name for name in manifests], splits)
        ]

    def train(self, data: Path) -> list[Recording]:
        """What is trained on; ValueError where there is nothing."""
        found = self.of(data, self.manifests, ["train", "unlabelled"])
        if not found:
            raise ValueError(f"the recipe's manifests have no recordings to train on under {data}")
        return found

    def dev(self, data: Path) -> list[Recording]:
        """What a run is measured on: recordings with their words."""
        return [one for one in self.of(data, self.dev_manifests, ["dev"]) if one.is_transcribed]


_NUMBERS: Mapping[str, int] = {label: number for number, label in enumerate(LABELS)}


def labels_of(text: str | None) -> Labels | None:
    """The labels (L,) of a text; None where there is none, or it has letters that are no labels."""
    letters = WORD_DELIMITER.join((text or "").split())
    if not letters or any(letter not in _NUMBERS for letter in letters):
        return None
    return np.array([_NUMBERS[letter] for letter in letters])


class WaveformMaker:
    """Turns planned recordings, one a group, into tensors."""

    def make(self, groups: list[list[Recording]], step: int) -> WaveformBatch:
        """The batch of a step."""
        recordings = [one for [one] in groups]
        sounds = [torch.from_numpy(load(one.audio, 1.0)) for one in recordings]
        said = [one.labels for one in recordings if one.labels is not None]
        return WaveformBatch(
            samples=pad_sequence(sounds, batch_first=True),
            lengths=torch.tensor([len(sound) for sound in sounds]),
            labels=torch.from_numpy(np.concatenate([*said, np.zeros(0, np.int64)])),
            label_lengths=torch.tensor([len(labels) for labels in said]),
            transcribed=torch.tensor([one.is_transcribed for one in recordings]),
        )


def waveform_batches(
    recordings: list[Recording], config: BatchConfig, seed: int, rank: Rank
) -> RunBatches[Recording, WaveformBatch]:
    """The batches of a run; none are joined, so that what an utterance is normalised by is its own."""
    plan = BatchPlan(recordings, replace(config, join_probability=0.0), seed)
    return RunBatches(plan, WaveformMaker(), rank)
