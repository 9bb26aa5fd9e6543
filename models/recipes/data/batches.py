"""Training batches: which utterances, joined and augmented how; all drawn from the seed and the step.

Nothing but the step number is needed to go on after a kill: the plan of an epoch depends on the seed and the
epoch alone, and the augmentation of a batch on the seed and the step.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Queue
from types import MappingProxyType
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.layers import Subsampling
from models.recipes.data.augment import FLOOR, Augmentation, LogMel, augment, change_tempo, draw_tempo
from models.recipes.data.features import Entry, Store

Labels = npt.NDArray[np.int64]


class Utterance(Protocol):
    """What a plan knows of an utterance."""

    @property
    def frames(self) -> int:
        """Its length, 100 a second."""
        ...

    @property
    def weight(self) -> float:
        """How often it is heard in an epoch, on average."""
        ...

    @property
    def is_transcribed(self) -> bool:
        """Whether its words are known, so that it may be joined to others."""
        ...


Planned = TypeVar("Planned", bound=Utterance)


class Audible(Protocol):
    """A batch of any kind."""

    @property
    def seconds(self) -> float:
        """Seconds of audio in the batch, padding left out."""
        ...

    def to(self, device: torch.device) -> Self:
        """The batch on a device."""
        ...


Heard = TypeVar("Heard", bound=Audible)


@dataclass(frozen=True, slots=True)
class Sample:
    """One utterance: where its features and its teacher's targets are, and its labels for each head.

    labels: empty arrays where nothing was transcribed; the utterance then has targets only.
    weight: how often it is heard in an epoch, on average.
    """

    entry: Entry
    features: Store
    targets: tuple[Store, Entry] | None
    labels: Mapping[str, Labels] | None
    weight: float

    @property
    def frames(self) -> int:
        """Its length, 100 a second."""
        return self.entry.frames

    @property
    def is_transcribed(self) -> bool:
        """Whether its words are known."""
        return self.labels is not None


@dataclass(frozen=True, slots=True)
class Batch:
    """features (B, T, F), lengths (B,); targets (B, T / 4, W) and where they count, bool (B, T / 4).

    labels, label_lengths: for each head, of the transcribed utterances one after the other; transcribed (B,).
    """

    features: Tensor
    lengths: Tensor
    targets: Tensor | None
    target_mask: Tensor
    labels: dict[str, Tensor]
    label_lengths: dict[str, Tensor]
    transcribed: Tensor

    @property
    def heard(self) -> tuple[Tensor, Tensor]:
        """What an encoder hears, and how long it is."""
        return self.features, self.lengths

    @property
    def seconds(self) -> float:
        """Seconds of audio in the batch, padding left out."""
        return float(self.lengths.sum()) / 100

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        if device.type == "cpu":
            return self
        return Batch(
            features=self.features.to(device, non_blocking=True),
            lengths=self.lengths.to(device),
            targets=None if self.targets is None else self.targets.to(device, non_blocking=True),
            target_mask=self.target_mask.to(device),
            labels={head: labels.to(device) for head, labels in self.labels.items()},
            label_lengths={head: lengths.to(device) for head, lengths in self.label_lengths.items()},
            transcribed=self.transcribed.to(device),
        )


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """Sizes in feature frames, 100 a second.

    frames: of a batch, padding included. join_frames: range of the length up to which utterances are joined.
    gap_frames: range of the quiet before an utterance. longest: utterance that is still trained on.
    """

    frames: int = 6400
    join_probability: float = 0.5
    join_frames: tuple[int, int] = (400, 1600)
    gap_frames: tuple[int, int] = (10, 60)
    longest: int = 2400

    def __post_init__(self) -> None:
        for name, (low, high) in (("join_frames", self.join_frames), ("gap_frames", self.gap_frames)):
            if not 0 <= low < high:
                raise ValueError(f"{name} must be a range from a number to a greater one, not {[low, high]}")


class BatchPlan(Generic[Planned]):
    """The batches of every epoch as lists of joined samples; batch(step) is the same in every run."""

    def __init__(self, samples: Sequence[Planned], config: BatchConfig, seed: int) -> None:
        """Raise ValueError where no utterance can be in a batch."""
        self._samples = [sample for sample in samples if 20 <= sample.frames <= config.longest]
        if not any(sample.weight > 0 for sample in self._samples):
            raise ValueError("no utterance is long and short enough, or weighed enough, to make a batch")
        self._config, self._seed = config, seed
        self._epoch, self._start, self._batches = -1, 0, list[list[list[Planned]]]()

    def batch(self, step: int) -> list[list[Planned]]:
        """The utterances of a step, each a list of samples to join. Steps must not go backwards."""
        while step >= self._start + len(self._batches):
            self._start += len(self._batches)
            self._epoch += 1
            self._batches = self._plan(np.random.default_rng([self._seed, self._epoch]))
        return self._batches[step - self._start]

    def _plan(self, random: np.random.Generator) -> list[list[list[Planned]]]:
        weights = np.array([sample.weight for sample in self._samples])
        repeats = np.floor(weights + random.random(len(weights))).astype(int)
        order = random.permutation(np.repeat(np.arange(len(weights)), repeats))
        joined = self._join([self._samples[index] for index in order], random)
        batches = []
        for start in range(0, len(joined), 400):
            pool = sorted(joined[start : start + 400], key=_frames)
            batches += self._pack(pool)
        return [batches[index] for index in random.permutation(len(batches))]

    def _join(self, samples: list[Planned], random: np.random.Generator) -> list[list[Planned]]:
        groups: list[list[Planned]] = []
        room = 0
        for sample in samples:
            if groups and sample.frames <= room and sample.is_transcribed:
                groups[-1].append(sample)
            else:
                groups.append([sample])
                wanted = random.integers(*self._config.join_frames)
                room = wanted if random.random() < self._config.join_probability else 0
                room = room if sample.is_transcribed else 0
            room -= sample.frames + self._config.gap_frames[1]
        return groups

    def _pack(self, pool: list[list[Planned]]) -> list[list[list[Planned]]]:
        batches: list[list[list[Planned]]] = [[]]
        for group in pool:  # ascending, so the newest is the longest
            if batches[-1] and (len(batches[-1]) + 1) * _frames(group) > self._config.frames:
                batches.append([])
            batches[-1].append(group)
        return batches


def _frames(group: list[Planned]) -> int:
    return sum(sample.frames + 40 for sample in group)


class BatchMaker:
    """Turns planned utterances into tensors.

    delimiters: of the heads that have one, the label between the words of one utterance and those of the next.
    """

    def __init__(
        self,
        noises: list[LogMel],
        config: BatchConfig,
        augmentation: Augmentation,
        heads: Sequence[str],
        seed: int,
        delimiters: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._noises, self._config, self._augmentation = noises, config, augmentation
        self._heads, self._seed, self._delimiters = heads, seed, delimiters

    def make(self, groups: list[list[Sample]], step: int) -> Batch:
        """The batch of a step."""
        random = np.random.default_rng([self._seed, 1, step])
        loaded = [self._load(group, random) for group in groups]
        lengths = torch.tensor([len(features) for features, _ in loaded])
        frames = int(lengths.max() + Subsampling.FACTOR - 1) // Subsampling.FACTOR
        batch = torch.zeros(len(loaded), frames * Subsampling.FACTOR, loaded[0][0].shape[1])
        for row, (features, _) in enumerate(loaded):
            batch[row, : len(features)] = torch.from_numpy(features)
        targets, target_mask = self._stack_targets([targets for _, targets in loaded], frames)
        spoken = [group for group in groups if group[0].labels is not None]
        labels = {head: [self._join_labels(group, head) for group in spoken] for head in self._heads}
        return Batch(
            features=batch,
            lengths=lengths,
            targets=targets,
            target_mask=target_mask,
            labels={head: torch.from_numpy(np.concatenate([*rows, _NOTHING])) for head, rows in labels.items()},
            label_lengths={head: torch.tensor([len(row) for row in rows]) for head, rows in labels.items()},
            transcribed=torch.tensor([group[0].labels is not None for group in groups]),
        )

    def _load(self, group: list[Sample], random: np.random.Generator) -> tuple[LogMel, list[tuple[int, LogMel]]]:
        """Augmented features of the joined samples, and each one's targets with their first encoder frame."""
        parts: list[LogMel] = []
        targets = []
        at = 0
        for number, sample in enumerate(group):
            tempo = draw_tempo(self._augmentation, random)
            log_mel = change_tempo(sample.features.log_mel(sample.entry), tempo)
            before = self._gap(number, random)
            quiet = np.full((before, log_mel.shape[1]), np.quantile(log_mel, 0.03), np.float32)
            parts += [quiet + random.normal(0, 0.5, quiet.shape).astype(np.float32), log_mel]
            at += before
            if sample.targets is not None:
                store, entry = sample.targets
                rows = change_tempo(store.rows(entry).astype(np.float32), tempo)
                targets.append((at // Subsampling.FACTOR, rows))
            surplus = -(at + len(log_mel)) % Subsampling.FACTOR if number + 1 < len(group) else 0
            parts.append(np.full((surplus, log_mel.shape[1]), FLOOR, np.float32))
            at += len(log_mel) + surplus
        return augment(np.concatenate(parts), self._noises, self._augmentation, random), targets

    def _gap(self, number: int, random: np.random.Generator) -> int:
        """Frames of quiet before a sample: sometimes none before the first; a multiple of four."""
        if number == 0 and random.random() < 0.5:
            return 0
        return int(random.integers(*self._config.gap_frames)) // Subsampling.FACTOR * Subsampling.FACTOR

    def _join_labels(self, group: list[Sample], head: str) -> Labels:
        """The labels of joined samples, with a delimiter between those that have words."""
        delimiter = np.array([self._delimiters[head]] if head in self._delimiters else [], np.int64)
        said = [sample.labels[head] for sample in group if sample.labels is not None and len(sample.labels[head])]
        parts = [part for labels in said for part in (delimiter, labels)]
        return np.concatenate([_NOTHING, *parts[1:]])

    @staticmethod
    def _stack_targets(rows: list[list[tuple[int, LogMel]]], frames: int) -> tuple[Tensor | None, Tensor]:
        mask = torch.zeros(len(rows), frames, dtype=torch.bool)
        widths = [target.shape[1] for row in rows for _, target in row]
        if not widths:
            return None, mask
        stacked = torch.zeros(len(rows), frames, widths[0])
        for number, row in enumerate(rows):
            for start, target in row:
                target = target[: frames - start]
                stacked[number, start : start + len(target)] = torch.from_numpy(target)
                mask[number, start : start + len(target)] = True
        return stacked, mask


_NOTHING = np.zeros(0, np.int64)


def prefetch(make: Callable[[int], Heard], steps: range, depth: int = 4) -> Iterator[Heard]:
    """The batches of the steps, made ahead in a thread; an error there is raised here."""
    queue: Queue[Heard | BaseException] = Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for step in steps:
                if stopped.is_set():
                    return
                queue.put(make(step))
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, which raises it
            queue.put(error)

    threading.Thread(target=work, daemon=True, name="batches").start()
    try:
        for _ in steps:
            batch = queue.get()
            if isinstance(batch, BaseException):
                raise batch
            yield batch
    finally:
        stopped.set()
        while not queue.empty():
            queue.get_nowait()
