"""Synthesised training speech: sentences read by Debian's synthesisers in many voices, into a store."""

import argparse
import multiprocessing
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.commands import command
from models.recipes.data.distortions import Odds, distort
from models.recipes.data.features import StoreWriter
from models.recipes.data.prepare import Samples, load, log_mel, random_of, surroundings
from models.recipes.data.sentences import MAX_WORDS, MIN_WORDS
from models.recipes.data.synthesisers import SYNTHESISERS
from models.recipes.data.voices import draw_voice, revoice
from models.recipes.file_errors import naming
from models.recipes.teacher import ZipformerTeacher


@dataclass(frozen=True, slots=True)
class Manner:
    """How sentences become training data.

    teacher: encoder.onnx of a zipformer that hears them clean. noise: manifests of noise; None leaves the
    features clean.
    """

    teacher: Path | None = None
    noise: tuple[Path, ...] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A sentence to be said, under the key that decides by whom and how."""

    key: str
    text: str
    manner: Manner


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence said: features (T, F), targets (T / 4, W) where there is a teacher, the voice's name."""

    task: Task
    features: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.float16] | None
    voice: str


def sentences(path: Path, choice: random.Random) -> Iterator[str]:
    """Lines of 1 to 25 plain words of a text file of normalised sentences, in random order."""
    with naming(path):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    plain = [line for line in lines if re.fullmatch(r"[a-z' ]+", line) and MIN_WORDS <= len(line.split()) <= MAX_WORDS]
    choice.shuffle(plain)
    yield from plain


def say(text: str, key: str) -> tuple[Samples, str]:
    """A sentence said by a voice that the key decides: samples (N,) at 16 kHz and the voice's name."""
    choice = random.Random(key)
    synthesiser = choice.choices(SYNTHESISERS, [one.weight for one in SYNTHESISERS])[0]
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        voice = synthesiser.say(text, wav, choice)
        samples = load(wav, choice.uniform(0.9, 1.1))
    if choice.random() >= synthesiser.revoiced:
        return samples, voice
    return revoice(samples, draw_voice(random_of(key))), f"{voice}+1"


def read(task: Task) -> Reading:
    """A task done; the same in every process."""
    samples, voice = say(task.text, task.key)
    targets = _teacher(task.manner.teacher).encode(samples) if task.manner.teacher else None
    if task.manner.noise is not None:
        samples = distort(samples, surroundings(task.manner.noise), Odds(), random_of(f"{task.key}~1"))
    return Reading(task, log_mel(samples, _frontend()), targets, voice)


@cache
def _teacher(path: Path) -> ZipformerTeacher:
    return ZipformerTeacher(path)


@cache
def _frontend() -> Frontend:
    return Frontend(FrontendConfig())


def synthesise(text: Path, output: Path, hours: float, seed: int, manner: Manner, jobs: int = 1) -> None:
    """Fill `features-SEED`, and with a teacher `teacher-SEED`, with so many hours of speech; resumable.

    What is said does not depend on the number of processes, jobs.
    """
    with ExitStack() as stack:
        store = StoreWriter(output / f"features-{seed}", _frontend().config.num_mels, np.uint8)
        stack.callback(store.close)
        width = _teacher(manner.teacher).width if manner.teacher else 0
        targets = StoreWriter(output / f"teacher-{seed}", width, np.float16) if manner.teacher else None
        if targets:
            stack.callback(targets.close)
        chosen = enumerate(sentences(text, random.Random(seed)))
        tasks = (Task(f"synthetic/{seed}-{number}", sentence, manner) for number, sentence in chosen)
        missing = (task for task in tasks if task.key not in store.keys)
        readings: Iterator[Reading] = map(read, missing)
        if jobs > 1:
            workers = multiprocessing.get_context("spawn").Pool(jobs, torch.set_num_threads, (1,))
            readings = stack.enter_context(workers).imap(read, missing, chunksize=4)
        while store.rows < hours * 360000 and (reading := next(readings, None)):
            key = reading.task.key
            if targets and reading.targets is not None and key not in targets.keys:
                targets.add(key, reading.targets, None, reading.voice)
            store.add(key, reading.features, reading.task.text, reading.voice)


@command
def main() -> None:
    """Command line: `python -m models.recipes.data.synthesis SENTENCES.txt --output FOLDER --hours 10`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="normalised sentences, one a line")
    parser.add_argument("--output", type=Path, required=True, help="folder of the stores")
    parser.add_argument("--teacher", type=Path, help="encoder.onnx of a streaming zipformer")
    parser.add_argument("--distort", action="store_true", help="features of it in rooms, noise and codecs")
    parser.add_argument("--noise", type=Path, nargs="+", default=[], help="manifests of noise for --distort")
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    manner = Manner(arguments.teacher, tuple(arguments.noise) if arguments.distort else None)
    synthesise(arguments.text, arguments.output, arguments.hours, arguments.seed, manner, arguments.jobs)


if __name__ == "__main__":
    main()
