"""Debian's speech synthesisers: espeak-ng, flite and festival, each in many voices.

A synthesiser writes a sentence of plain words into a file and names the voice that it drew.
"""

import atexit
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ESPEAK_ACCENTS = {
    "en-us": 8,
    "en-us-nyc": 2,
    "en-gb": 4,
    "en-gb-x-rp": 2,
    "en-gb-scotland": 2,
    "en-gb-x-gbclan": 1,
    "en-gb-x-gbcwmd": 1,
    "en-029": 1,
}
"""espeak-ng's English accents, and how often each is drawn."""

_VARIANTS = (
    "adam Alex Alicia Andrea Andy anika Annie antonio AnxiousAndy aunty belinda benjamin boris caleb david "
    "Denis Diogo ed edward edward2 f1 f2 f3 f4 f5 Gene Gene2 grandma grandpa gustave Henrique Hugo iven iven2 iven3 "
    "iven4 Jacky john kaukovalta klatt klatt2 klatt3 klatt4 klatt5 klatt6 Lee linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo "
    "Marco Mario max Michael michel miguel Mike norbert pablo paul pedro quincy rob robert sandro shelby steph "
    "steph2 steph3 travis victor zac"
)
ESPEAK_VARIANTS = tuple(_VARIANTS.split())
"""espeak-ng's variants of a voice that sound like people: without its robots, whispers and jokes."""

FLITE_VOICES = {"slt": 4, "rms": 4, "awb": 4, "kal16": 1}
FESTIVAL_VOICES = {"cmu_us_slt_arctic_hts": 2, "kal_diphone": 1, "ked_diphone": 1}


def say_espeak(text: str, wav: Path, choice: random.Random) -> str:
    """Speak with a random accent, variant, rate, pitch, pitch range and gap between words; the voice's name."""
    voice = f"{_weighted(ESPEAK_ACCENTS, choice)}+{choice.choice(ESPEAK_VARIANTS)}"
    rate, pitch, gap = choice.randint(110, 220), choice.randint(15, 85), choice.choice([0, 0, 0, 1, 3])
    marked = f"<prosody range='{choice.randint(30, 200)}%'>{text}</prosody>"
    numbers = ["-s", str(rate), "-p", str(pitch), "-g", str(gap)]
    subprocess.run(["espeak-ng", "-m", "-v", voice, *numbers, "-w", wav, "--", marked], check=True)
    return f"espeak-{voice}"


def say_flite(text: str, wav: Path, choice: random.Random) -> str:
    """Speak with a random flite voice and tempo; the voice's name."""
    voice = _weighted(FLITE_VOICES, choice)
    stretch = f"duration_stretch={choice.uniform(0.8, 1.25):.2f}"
    subprocess.run(["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", wav], check=True)
    return f"flite-{voice}"


def say_festival(text: str, wav: Path, choice: random.Random) -> str:
    """Speak with a random festival voice and tempo; the voice's name. ValueError where festival gives up."""
    voice = _weighted(FESTIVAL_VOICES, choice)
    stretch = f"(Parameter.set 'Duration_Stretch {choice.uniform(0.8, 1.25):.2f})"
    speak = f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{wav}" (quote riff))'
    process = _festival()
    if process.stdin is None or process.stdout is None:
        raise TypeError("festival was started without pipes")
    process.stdin.write(f'(begin (voice_{voice}) {stretch} {speak} (format t "said\\n") (fflush nil))\n')
    process.stdin.flush()
    if process.stdout.readline() != "said\n":
        raise ValueError(f"festival with the voice {voice} did not say {text!r}: is the voice installed?")
    return f"festival-{voice}"


@cache
def _festival() -> subprocess.Popen[str]:
    """A festival that says one sentence after another: it takes longer to start than to speak."""
    process = subprocess.Popen(["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process


def _weighted(weights: dict[str, int], choice: random.Random) -> str:
    return choice.choices(list(weights), list(weights.values()))[0]


@dataclass(frozen=True, slots=True)
class Synthesiser:
    """say: speaks. weight: how often it does. revoiced: share of what it says that another voice says again."""

    say: Callable[[str, Path, random.Random], str]
    weight: float
    revoiced: float


SYNTHESISERS = (
    Synthesiser(say_espeak, 0.45, 0.2),
    Synthesiser(say_flite, 0.4, 0.7),
    Synthesiser(say_festival, 0.15, 0.7),
)
