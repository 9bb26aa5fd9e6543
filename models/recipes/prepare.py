"""Prepare training data: features of every utterance at several speeds, and what the teacher makes of it."""

import argparse
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.features import StoreWriter, quantise
from models.recipes.manifest import Utterance, read_manifest
from models.recipes.teacher import ZipformerTeacher
from models.torchaudio_compat import import_torchaudio


def load(path: Path, speed: float) -> npt.NDArray[np.float32]:
    """Mono 16 kHz samples of a recording, played faster by a factor (tempo and pitch together)."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = torch.from_numpy(samples.mean(1))
    heard_rate = round(rate * speed / 100) * 100  # a common divisor with 16000 keeps the filter short
    if heard_rate != 16000:
        mono = import_torchaudio().functional.resample(mono, heard_rate, 16000)
    return mono.numpy()


def utterances_of(manifests: list[Path], splits: list[str]) -> Iterator[tuple[str, Utterance]]:
    """The utterances of some splits with a key each; a test split is refused."""
    if "test" in splits:
        raise ValueError("the test split is for evaluation only: prepare train, unlabelled or dev")
    for path in manifests:
        for utterance in read_manifest(path):
            if utterance.split in splits:
                yield f"{utterance.corpus}/{utterance.audio.relative_to(path.parent)}", utterance


def prepare(
    utterances: list[tuple[str, Utterance]],
    folder: Path,
    speeds: list[float],
    teacher: Path | None,
    shard: int,
) -> None:
    """Write stores `features-SHARD` and, with a teacher, `teacher-SHARD` under folder; resumable."""
    frontend = Frontend(FrontendConfig())
    listener = ZipformerTeacher(teacher) if teacher else None
    features = StoreWriter(folder / f"features-{shard}", frontend.config.num_mels, np.uint8)
    targets = StoreWriter(folder / f"teacher-{shard}", listener.width, np.float16) if listener else None
    for speed in speeds:
        for name, utterance in utterances:
            key = f"{name}@{speed:g}"
            if key in features.keys:
                continue
            samples = load(utterance.audio, speed)
            if listener and targets and key not in targets.keys:
                targets.add(key, listener.encode(samples), None, utterance.speaker)
            with torch.inference_mode():
                rows = quantise(frontend(torch.from_numpy(samples)).numpy())
            features.add(key, rows, utterance.text, utterance.speaker)
    features.close()
    if targets:
        targets.close()


def main() -> None:
    """Command line: `python -m models.recipes.prepare MANIFEST... --output FOLDER`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="folder of the stores")
    parser.add_argument("--speeds", type=float, nargs="+", default=[1.0, 0.9, 1.1])
    parser.add_argument("--teacher", type=Path, help="encoder.onnx of a streaming zipformer")
    parser.add_argument("--splits", nargs="+", default=["train", "unlabelled"])
    parser.add_argument("--shard", type=int, default=0)
    parser.add_argument("--shards", type=int, default=1, help="run this many processes, one a shard")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = utterances_of(arguments.manifests, arguments.splits)
    mine = [(name, one) for name, one in found if zlib.crc32(name.encode()) % arguments.shards == arguments.shard]
    prepare(mine, arguments.output, arguments.speeds, arguments.teacher, arguments.shard)


if __name__ == "__main__":
    main()
