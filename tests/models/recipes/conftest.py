"""Features and transcripts of a tiny language, made without a synthesiser."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from models.frontend import Frontend, FrontendConfig
from models.recipes.data import samples
from models.recipes.data.features import Store, StoreWriter, quantise
from models.recipes.data.phonemes import Pronunciation
from models.recipes.loop import precision

TONES = {"ha": (300.0, 500.0), "bee": (700.0, 1100.0), "zoo": (1600.0, 2400.0), "my": (3200.0, 4800.0)}
SOUNDS: dict[str, Pronunciation] = {
    "ha": ("h", "ɑː"),
    "bee": ("b", "iː"),
    "zoo": ("z", "uː"),
    "my": ("m", "aɪ"),
}


@pytest.fixture(autouse=True, scope="module")
def _one_precision() -> Iterator[None]:
    """The same arithmetic on every machine, also for what the tests of a module share: small runs hang on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precision, "_gains", lambda: False)
        yield


def spoken(text: str, random: np.random.Generator) -> torch.Tensor:
    """Each word as two tones of a tenth of a second and a pause, in noise; without words the noise alone."""
    parts = [torch.zeros(4000)]
    for word in text.split():
        time = torch.arange(1600) / 16000
        parts += [0.3 * torch.sin(2 * torch.pi * hertz * time) for hertz in TONES.get(word, (1000.0,))] + [
            torch.zeros(800)
        ]
    samples = torch.cat(parts)
    return samples + torch.from_numpy(random.normal(0, 0.003, len(samples)).astype(np.float32))


@pytest.fixture(scope="module")
def tone_words() -> Iterator[tuple[str, ...]]:
    """The words of the tiny language; pronunciations come from a table instead of espeak-ng."""

    def table(words: Iterable[str]) -> dict[str, tuple[Pronunciation, ...]]:
        return {word: (SOUNDS[word],) if word in SOUNDS else () for word in words}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "lexicon", table)
        yield tuple(TONES)


@pytest.fixture(scope="session")
def write_speech() -> Callable[..., None]:
    """Write a store of features: `write_speech(folder, texts, prefix, seed)`; None is said but not told."""

    def write(folder: Path, texts: list[str | None], prefix: str, seed: int = 0) -> None:
        random, frontend = np.random.default_rng(seed), Frontend(FrontendConfig())
        store = StoreWriter(folder, 80, np.uint8)
        for number, text in enumerate(texts):
            rows = quantise(frontend(spoken("ha zoo" if text is None else text, random)).numpy())
            store.add(f"{prefix}/{number}@1", rows, text, "tone")
        store.close()

    return write


@pytest.fixture(scope="session")
def write_recordings() -> Callable[..., None]:
    """Write a corpus of WAV files: `write_recordings(folder, [(text, split), ...])`; None is said but not told."""

    def write(folder: Path, said: list[tuple[str | None, str]], seed: int = 0) -> None:
        folder.mkdir(parents=True)
        random, rows = np.random.default_rng(seed), []
        for number, (text, split) in enumerate(said):
            sound = spoken("ha zoo" if text is None else text, random).numpy()
            soundfile.write(folder / f"{number}.wav", sound, 16000)
            row = {"audio": f"{number}.wav", "duration": len(sound) / 16000, "speaker": "tone", "split": split}
            rows.append(row | ({} if text is None else {"text": text}))
        (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    return write


@pytest.fixture(scope="session")
def write_targets() -> Callable[..., None]:
    """Write a teacher's store for a store of features: sums of neighbouring bands, every fourth frame."""

    def write(folder: Path, features: Path, width: int = 4) -> None:
        heard = Store(features)
        store = StoreWriter(folder, width, np.float16)
        for entry in heard.entries:
            rows = heard.rows(entry)[::4].astype(np.float32)
            store.add(entry.key, (rows.reshape(len(rows), width, -1).mean(2) / 50).astype(np.float16), None, "")
        store.close()

    return write


@pytest.fixture(scope="module")
def data(
    tone_words: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
    write_speech: Callable[..., None],
    write_targets: Callable[..., None],
) -> Path:
    """Stores of 40 sentences, two without a transcript, their teacher's targets, dev and noise."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(tone_words, random.integers(1, 4))) for _ in range(46)]
    write_speech(folder / "real", [*texts[:38], None, None], "tones", seed=1)
    write_speech(folder / "dev", texts[40:], "tones", seed=2)
    write_speech(folder / "noise", ["", "", ""], "noise", seed=3)
    write_targets(folder / "teacher", folder / "real")
    return folder
