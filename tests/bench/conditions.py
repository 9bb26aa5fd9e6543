"""Word errors in a room, in noise and through a line: the shared test sets as they may arrive.

python tests/bench/conditions.py FOLDER [--split test] [--model MODEL]      (needs ../shared/speech)

FOLDER gets CONDITION/SET/manifest.jsonl and its recordings, which `asr eval` or another recogniser can hear as well;
what is there is not made again. The rooms are none of those of training, and the noises are those of the test split.
"""

import argparse
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from measure import SHARED_SPEECH, record, test_recordings

from asr_app.audio.file import read_audio
from asr_app.evaluation import hear, report
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from models.recipes.data.codecs import CODECS, SAMPLE_RATE
from models.recipes.data.distortions import Samples, add_noise, set_peak
from models.recipes.data.manifest import Utterance, read_manifest, read_manifests
from models.recipes.data.rooms import reverberate, room_responses

SETS = {
    "librispeech_bits": ("librispeech_bits",),
    "arctic": ("cmu_arctic", "kathleen"),
    "speechocean762": ("speechocean762",),
}
ROOMS, ROOMS_SEED = 60, 77
NOISE_SNR_DB = (5.0, 15.0)
PEAK_DB = -3.0

Condition = Callable[[Samples, np.random.Generator], Samples]


def in_a_room(samples: Samples, random: np.random.Generator) -> Samples:
    """Anywhere in a room of RT60 0.15-0.8 s, often metres from the microphone."""
    rooms = room_responses(ROOMS_SEED, ROOMS)
    return reverberate(samples, rooms[random.integers(len(rooms))])


def in_noise(samples: Samples, random: np.random.Generator) -> Samples:
    """Noise 5 to 15 dB below the speech."""
    noises = test_recordings("noise")
    noise = read_audio(noises[random.integers(len(noises))], SAMPLE_RATE)
    return add_noise(samples, noise, random.uniform(*NOISE_SNR_DB), random)


def through_a_line(samples: Samples, random: np.random.Generator) -> Samples:
    """A telephone's codec, Opus or MP3."""
    return CODECS[random.integers(len(CODECS))](samples, random)


CONDITIONS: dict[str, Condition] = {"room": in_a_room, "noise": in_noise, "line": through_a_line}


def make(folder: Path, utterances: list[Utterance], name: str) -> Path:
    """The manifest of some utterances under a condition; both are made where they are not there."""
    manifest = folder / "manifest.jsonl"
    if manifest.exists():
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, utterance in enumerate(utterances):
        random = np.random.default_rng(zlib.crc32(f"{name} {utterance.speaker} {utterance.text}".encode()))
        heard = CONDITIONS[name](read_audio(utterance.audio, SAMPLE_RATE), random)
        soundfile.write(folder / f"{number}.flac", set_peak(heard, PEAK_DB), SAMPLE_RATE)
        row = {"audio": f"{number}.flac", "text": utterance.text, "speaker": utterance.speaker}
        rows.append({**row, "duration": len(heard) / SAMPLE_RATE, "split": utterance.split, "corpus": folder.name})
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return manifest


def main() -> None:
    """Make what is missing, evaluate and print a JSON line for each condition and set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--split", default="test")
    parser.add_argument("--chunk-ms", type=int, default=640)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recognizer = Recognizer.load(find_model(arguments.model), RecognizerOptions(arguments.chunk_ms, device="cpu"))
    for name, folders in SETS.items():
        manifests = [SHARED_SPEECH / folder / "manifest.jsonl" for folder in folders]
        if not all(manifest.exists() for manifest in manifests):
            sys.exit("this benchmark needs the shared recordings")
        utterances = read_manifests(manifests, arguments.split)
        for condition in CONDITIONS:
            distorted = read_manifest(make(arguments.folder / condition / name, utterances, condition))
            figures = report(hear(recognizer, utterance) for utterance in distorted)
            record("conditions", {"condition": condition, "set": name, "split": arguments.split, **figures})


if __name__ == "__main__":
    main()
