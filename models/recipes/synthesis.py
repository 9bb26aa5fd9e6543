"""Synthesised training speech: sentences read by Debian's synthesisers in many voices, into a store."""

import argparse
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.features import StoreWriter, quantise
from models.recipes.prepare import load
from models.recipes.teacher import ZipformerTeacher

ESPEAK_ACCENTS = (
    "en-us",
    "en-us",
    "en-us",
    "en-gb",
    "en-gb-x-rp",
    "en-gb-scotland",
    "en-029",
    "en-gb-x-gbclan",
)
ESPEAK_VARIANTS = tuple(f"m{number}" for number in range(1, 8)) + tuple(f"f{number}" for number in range(1, 6))
FLITE_VOICES = ("slt", "rms", "awb", "kal16")
FESTIVAL_VOICES = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")


def say_espeak(text: str, wav: Path, choice: random.Random) -> str:
    """Speak with a random accent, variant, rate and pitch; the voice's name."""
    voice = f"{choice.choice(ESPEAK_ACCENTS)}+{choice.choice(ESPEAK_VARIANTS)}"
    rate, pitch = str(choice.randint(120, 200)), str(choice.randint(20, 80))
    subprocess.run(["espeak-ng", "-v", voice, "-s", rate, "-p", pitch, "-w", wav, "--", text], check=True)
    return f"espeak-{voice}"


def say_flite(text: str, wav: Path, choice: random.Random) -> str:
    """Speak with a random flite voice and tempo; the voice's name."""
    voice = choice.choice(FLITE_VOICES)
    stretch = f"duration_stretch={choice.uniform(0.8, 1.25):.2f}"
    subprocess.run(["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", wav], check=True)
    return f"flite-{voice}"


def say_festival(text: str, wav: Path, choice: random.Random) -> str:
    """Speak with a random festival voice; the voice's name."""
    voice = choice.choice(FESTIVAL_VOICES)
    command = ["text2wave", "-eval", f"(voice_{voice})", "-o", str(wav)]
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)
    return f"festival-{voice}"


SPEAKERS: tuple[Callable[[str, Path, random.Random], str], ...] = (
    *(say_espeak,) * 25,
    *(say_flite,) * 14,
    say_festival,
)


def sentences(path: Path, choice: random.Random) -> Iterator[str]:
    """Lines of 2 to 20 plain words of a text file of normalised sentences, in random order."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    plain = [line for line in lines if re.fullmatch(r"[a-z' ]+", line) and 2 <= len(line.split()) <= 20]
    choice.shuffle(plain)
    yield from plain


def synthesise(text: Path, output: Path, hours: float, seed: int, teacher: Path | None) -> None:
    """Fill `features-SEED`, and with a teacher `teacher-SEED`, with so many hours of speech; resumable."""
    choice = random.Random(seed)
    frontend = Frontend(FrontendConfig())
    listener = ZipformerTeacher(teacher) if teacher else None
    store = StoreWriter(output / f"features-{seed}", frontend.config.num_mels, np.uint8)
    targets = StoreWriter(output / f"teacher-{seed}", listener.width, np.float16) if listener else None
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        for number, sentence in enumerate(sentences(text, choice)):
            speed, speaker = choice.uniform(0.9, 1.1), choice.choice(SPEAKERS)
            details = random.Random(choice.random())
            key = f"synthetic/{seed}-{number}"
            if key not in store.keys:
                voice = speaker(sentence, wav, details)
                samples = load(wav, speed)
                if listener and targets and key not in targets.keys:
                    targets.add(key, listener.encode(samples), None, voice)
                with torch.inference_mode():
                    rows = quantise(frontend(torch.from_numpy(samples)).numpy())
                store.add(key, rows, sentence, voice)
            if store.rows >= hours * 360000:
                break
    store.close()
    if targets:
        targets.close()


def main() -> None:
    """Command line: `python -m models.recipes.synthesis SENTENCES.txt --output FOLDER --hours 10`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path, help="normalised sentences, one a line")
    parser.add_argument("--output", type=Path, required=True, help="folder of the stores")
    parser.add_argument("--teacher", type=Path, help="encoder.onnx of a streaming zipformer")
    parser.add_argument("--hours", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    synthesise(arguments.text, arguments.output, arguments.hours, arguments.seed, arguments.teacher)


if __name__ == "__main__":
    main()
