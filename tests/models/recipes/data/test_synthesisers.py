import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.recipes.data.synthesisers import (
    ESPEAK_ACCENTS,
    ESPEAK_VARIANTS,
    SYNTHESISERS,
    Synthesiser,
    say_espeak,
    say_festival,
)


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def program_of(synthesiser: Synthesiser) -> str:
    return synthesiser.say.__name__.removeprefix("say_").replace("espeak", "espeak-ng")


@pytest.mark.parametrize("synthesiser", SYNTHESISERS, ids=program_of)
def test_synthesisers_speak(tmp_path: Path, synthesiser: Synthesiser) -> None:
    needs(program_of(synthesiser))
    wav = tmp_path / "said.wav"
    lengths = []
    for text in ("--good morning", "the second sentence that is said is a longer one"):
        voice = synthesiser.say(text, wav, random.Random(1))
        assert voice.startswith(f"{program_of(synthesiser).split('-')[0]}-")
        samples, rate = soundfile.read(wav)
        lengths.append(len(samples) / rate)
        assert np.abs(samples).max() > 0.05
    assert 0.3 < lengths[0] < lengths[1]


def test_a_generator_decides_the_voice(tmp_path: Path) -> None:
    needs("espeak-ng")
    voices = [say_espeak("good", tmp_path / f"{number}.wav", random.Random(number % 8)) for number in range(16)]
    assert voices[:8] == voices[8:]
    assert len(set(voices)) > 5
    assert (tmp_path / "0.wav").read_bytes() == (tmp_path / "8.wav").read_bytes()


def test_espeak_has_the_accents_and_variants() -> None:
    """espeak-ng reads with another voice, without an error, where it does not know one."""
    needs("espeak-ng")
    lists = [
        subprocess.run(["espeak-ng", f"--voices={kind}"], capture_output=True, text=True, check=True).stdout
        for kind in ("en", "variant")
    ]
    assert set(ESPEAK_ACCENTS) <= {line.split()[1] for line in lists[0].splitlines()}
    assert {f"!v/{variant}" for variant in ESPEAK_VARIANTS} <= set(lists[1].split())


def test_festival_says_what_it_said_before(tmp_path: Path) -> None:
    needs("festival")
    for name, text in (("first", "good morning"), ("other", "it is late"), ("again", "good morning")):
        say_festival(text, tmp_path / name, random.Random(2))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()
