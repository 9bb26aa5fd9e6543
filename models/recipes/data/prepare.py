"""Prepare training data: features of copies of every utterance, and what the teacher makes of them.

Copies are made at several speeds and by other voices, and each is distorted as often as wanted. A copy's key is
`corpus/file@speed`, with `+voice` where another speaker says it and `~take` where it is distorted. The teacher
hears the clean copies only: their targets, under the key without `~take`, are also those of the distorted.
"""

import argparse
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.commands import command
from models.recipes.data.distortions import Odds, Surroundings, distort
from models.recipes.data.features import StoreWriter, quantise
from models.recipes.data.manifest import Utterance, read_manifest
from models.recipes.data.rooms import room_responses
from models.recipes.data.voices import draw_voice, revoice
from models.recipes.teacher import ZipformerTeacher
from models.torchaudio_compat import import_torchaudio

ROOMS, ROOMS_SEED = 300, 1
_SHORTEST_S = 0.03
"""A frame is 25 ms; the rest is for what resampling rounds off."""

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Copies:
    """What is made of each recording: at which speeds, by how many other voices, how many distorted takes of all.

    noise: manifests of recordings that are mixed into the distorted takes.
    """

    speeds: tuple[float, ...] = (1.0, 0.9, 1.1)
    voices: int = 0
    distorted: int = 0
    noise: tuple[Path, ...] = ()

    def kinds(self) -> list[str]:
        """Names of the clean copies: `0.9`, or `1+2` for the second voice."""
        return [f"{speed:g}" for speed in self.speeds] + [f"1+{voice + 1}" for voice in range(self.voices)]


def load(path: Path, speed: float) -> Samples:
    """Mono 16 kHz samples of a recording, played faster by a factor (tempo and pitch together).

    Raises OSError for one that cannot be read, ValueError for one too short for a frame of features.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise OSError(str(error)) from error
    if len(samples) < _SHORTEST_S * speed * rate:
        raise ValueError(f"{path} has no {1000 * _SHORTEST_S:.0f} ms of sound: take it out of its manifest")
    mono = torch.from_numpy(samples.mean(1))
    heard_rate = round(rate * speed / 100) * 100  # a common divisor with 16000 keeps the filter short
    if heard_rate != 16000:
        mono = import_torchaudio().functional.resample(mono, heard_rate, 16000)
    return mono.numpy()


def utterances_of(manifests: list[Path], splits: list[str]) -> Iterator[tuple[str, Utterance]]:
    """The utterances of some splits with a key each.

    Raises ValueError for a test split, and where two recordings would have one key.
    """
    if "test" in splits:
        raise ValueError("the test split is for evaluation only: prepare train, unlabelled or dev")
    recordings: dict[str, Path] = {}
    for path in manifests:
        for utterance in read_manifest(path):
            if utterance.split in splits:
                key, audio = _key(utterance, path.parent), utterance.audio
                other = recordings.setdefault(key, audio)
                if other != audio and other.resolve() != audio.resolve():
                    raise ValueError(f"{other} and {audio} would both be called {key}: rename one of their folders")
                yield key, utterance


def _key(utterance: Utterance, folder: Path) -> str:
    """What a recording is called in stores: its corpus and its path, below the folder where it lies there."""
    audio = utterance.audio
    return f"{utterance.corpus}/{audio.relative_to(folder) if audio.is_relative_to(folder) else audio}"


@cache
def surroundings(noise: tuple[Path, ...]) -> Surroundings:
    """Simulated rooms, and the noises of the train split of some manifests; made once in a process."""
    noises = [load(one.audio, 1.0) for _, one in utterances_of(list(noise), ["train"])]
    return Surroundings(room_responses(ROOMS_SEED, ROOMS), noises)


def random_of(key: str) -> np.random.Generator:
    """A generator that is a key's own, so that a copy is the same whichever process makes it."""
    return np.random.default_rng(zlib.crc32(key.encode()))


def log_mel(samples: Samples, frontend: Frontend) -> npt.NDArray[np.uint8]:
    """8-bit log-mel frames (T, F) of samples (N,)."""
    with torch.inference_mode():
        return quantise(frontend(torch.from_numpy(samples)).numpy())


def clean_copy(audio: Path, key: str) -> Samples:
    """The samples of the clean copy with a key."""
    speed, _, voice = key.rsplit("@", 1)[1].partition("+")
    samples = load(audio, float(speed))
    return revoice(samples, draw_voice(random_of(key))) if voice else samples


def prepare(
    utterances: list[tuple[str, Utterance]],
    folder: Path,
    copies: Copies,
    teacher: Path | None,
    shard: int,
) -> None:
    """Write stores `features-SHARD` and, with a teacher, `teacher-SHARD` under folder; resumable."""
    frontend = Frontend(FrontendConfig())
    listener = ZipformerTeacher(teacher) if teacher else None
    with ExitStack() as stores:
        features = StoreWriter(folder / f"features-{shard}", frontend.config.num_mels, np.uint8)
        stores.callback(features.close)
        targets = StoreWriter(folder / f"teacher-{shard}", listener.width, np.float16) if listener else None
        if targets:
            stores.callback(targets.close)
        for kind in copies.kinds():
            for name, utterance in utterances:
                clean = f"{name}@{kind}"
                takes = [clean, *(f"{clean}~{take + 1}" for take in range(copies.distorted))]
                missing = [key for key in takes if key not in features.keys]
                taught = targets is None or clean in targets.keys
                if taught and not missing:
                    continue
                samples = clean_copy(utterance.audio, clean)
                if listener and targets and not taught:
                    targets.add(clean, listener.encode(samples), None, utterance.speaker)
                for key in missing:
                    heard = samples
                    if key != clean:
                        heard = distort(samples, surroundings(copies.noise), Odds(), random_of(key))
                    features.add(key, log_mel(heard, frontend), utterance.text, utterance.speaker)


@command
def main() -> None:
    """Command line: `python -m models.recipes.data.prepare MANIFEST... --output FOLDER`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="folder of the stores")
    parser.add_argument("--speeds", type=float, nargs="*", default=[1.0, 0.9, 1.1])
    parser.add_argument("--voices", type=int, default=0, help="copies of each recording by other speakers (WORLD)")
    parser.add_argument("--distorted", type=int, default=0, help="copies of each copy in rooms, noise and codecs")
    parser.add_argument("--noise", type=Path, nargs="+", default=[], help="manifests of noise for --distorted")
    parser.add_argument("--teacher", type=Path, help="encoder.onnx of a streaming zipformer")
    parser.add_argument("--splits", nargs="+", default=["train", "unlabelled"])
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1, help="run this many processes, one a shard")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = utterances_of(arguments.manifests, arguments.splits)
    mine = [(name, one) for name, one in found if zlib.crc32(name.encode()) % arguments.shards == arguments.shard]
    copies = Copies(tuple(arguments.speeds), arguments.voices, arguments.distorted, tuple(arguments.noise))
    prepare(mine, arguments.output, copies, arguments.teacher, arguments.shard)


if __name__ == "__main__":
    main()
