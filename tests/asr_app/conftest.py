"""A recogniser of whistled words: a random encoder whose heads are fitted to tones, so that tests hear words.

Each sound of a word is a tone of 0.2 s; a fifth tone separates letters into words for the greedy decoder.
"""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import Event
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from models.checkpoint import Checkpoint, save_checkpoint
from models.conformer import EncoderConfig
from models.ctc import CtcModel
from models.frontend import Frontend, FrontendConfig
from models.recipes.data.samples import HEADS

RATE = 16_000
TONE_S = 0.2
SEPARATOR = "|"
TONES = {"t": 350.0, "a": 700.0, "n": 1200.0, "s": 1900.0, SEPARATOR: 2700.0}
SOUNDS = {"t": "t", "a": "ɑː", "n": "n", "s": "s"}
WORDS = ("tan", "ant", "sat", "nas", "tas")
ENCODER = EncoderConfig(num_mels=40, dim=64, layers=2, heads=2, feed_forward=64, kernel=5, channels=8, left_context=16)
FRONTEND = FrontendConfig(num_mels=40, log_floor=1.0)  # no difference between silence and faint noise

Whistle = Callable[..., Samples]
Listen = Callable[..., list[Event]]


def tones(text: str, rate: int = RATE, level: float = 0.3) -> Samples:
    """The words of a text, whistled: float32 (n,); a blank is the separator, each `_` is 0.2 s of silence."""
    size = round(TONE_S * rate)
    times = np.arange(size) / rate
    ramp = np.minimum(1.0, np.minimum(times, times[::-1]) / 0.005)
    silence = np.zeros(size)
    parts = [
        silence if letter == "_" else level * ramp * np.sin(2 * np.pi * TONES[letter] * times)
        for letter in text.replace(" ", SEPARATOR)
    ]
    return np.asarray(np.concatenate(parts or [np.zeros(0)]), np.float32)


def _random_model() -> CtcModel:
    """An untrained model, the same everywhere."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return CtcModel(ENCODER, HEADS).eval()


def _lesson(frontend: Frontend) -> tuple[torch.Tensor, list[str]]:
    """Features (T, F) of whistled words, and what is heard in each encoder frame."""
    random = np.random.default_rng(5)
    letters = "".join(random.choice(list("tans|__"), 600))
    noise = random.standard_normal(len(letters) * round(TONE_S * RATE)).astype(np.float32)
    features = frontend(torch.from_numpy(tones(letters) + 1e-4 * noise))
    frame = 4 * FRONTEND.hop_length
    centres = np.arange(len(features) // 4) * frame + frame // 2 + 120
    return features, [letters[min(len(letters) - 1, int(at / RATE / TONE_S))] for at in centres]


def _fit(model: CtcModel, frontend: Frontend) -> None:
    """Ridge regression from encoder frames to labels, over several chunk sizes."""
    features, heard = _lesson(frontend)
    model.encoder.mean.copy_(features.mean(0))
    model.encoder.deviation.copy_(features.std(0).clamp_min(1.0))
    length = torch.tensor([features.shape[0]])
    frames = [model.encoder(features[None], length, size)[0][0, : len(heard)] for size in (4, 8, 16, 750)]
    inputs = torch.cat([torch.cat([x, torch.ones(len(x), 1)], 1) for x in frames])
    for head in HEADS:
        spelled = {
            "_": head.labels[0],
            **(SOUNDS if head.name == "phonemes" else {letter: letter for letter in TONES}),
        }
        targets = torch.zeros(len(heard), len(head.labels))
        for row, letter in enumerate(heard):
            targets[row, head.labels.index(spelled.get(letter, head.labels[0]))] = 14.0
        gram = inputs.T @ inputs + torch.eye(inputs.shape[1])
        solution = torch.linalg.solve(gram, inputs.T @ targets.repeat(len(frames), 1))
        layer: Any = model.heads[head.name]
        layer.weight.copy_(solution[:-1].T)
        layer.bias.copy_(solution[-1])


def _arpa() -> str:
    grams = "".join(f"-0.8\t{word}\t-0.3\n" for word in WORDS)
    return (
        f"\\data\\\nngram 1={len(WORDS) + 3}\nngram 2=1\n\n\\1-grams:\n-2.0\t<unk>\n-99\t<s>\t-0.3\n-1.0\t</s>\n{grams}"
        "\n\\2-grams:\n-0.3\ttan sat\n\n\\end\\\n"
    )


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees, or leaves anything among, the user's own models and transcripts."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as a recipe would leave it; for reading only."""
    folder = tmp_path_factory.mktemp("models") / "whistle"
    frontend = Frontend(FRONTEND)
    with torch.no_grad():
        model = _random_model()
        _fit(model, frontend)
    save_checkpoint(
        folder,
        Checkpoint(
            frontend=FRONTEND,
            encoder=ENCODER,
            heads=HEADS,
            weights={name: tensor.half() for name, tensor in model.state_dict().items()},
            decoding={"alpha": 0.5, "beta": 1.0, "beam": 50},
            provenance={"data": "whistled words", "licence": "none"},
        ),
    )
    lines = "".join(f"{word}\t{' '.join(SOUNDS[letter] for letter in word)}\n" for word in WORDS)
    (folder / "lexicon.txt.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "lm.bin").write_text(_arpa())
    return folder


@pytest.fixture(scope="session")
def load(model_folder: Path) -> Callable[..., Recognizer]:
    """A function (option=value, ...) -> the whistle recogniser with these options; each is loaded once."""
    loaded: dict[str, Recognizer] = {}

    def get(**options: Any) -> Recognizer:
        key = repr(sorted(options.items()))
        if key not in loaded:
            loaded[key] = Recognizer.load(model_folder, RecognizerOptions(**{"device": "cpu", **options}))
        return loaded[key]

    return get


@pytest.fixture(scope="session")
def whistle() -> Whistle:
    """The function tones: (text, rate=16000, level=0.3) -> samples that the whistle recogniser hears as the text."""
    return tones


@pytest.fixture(scope="session")
def listen() -> Listen:
    """A function (recognizer, samples, size, rate=16000) -> the events of samples fed size at a time."""

    def run(recognizer: Recognizer, samples: Samples, size: int = 1600, rate: int = RATE) -> list[Event]:
        session, events = recognizer.session(), []
        for start in range(0, len(samples), size):
            events += session.accept(AudioChunk(samples[start : start + size], rate, start))
        return events + session.finish()

    return run
