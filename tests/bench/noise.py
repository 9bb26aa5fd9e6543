"""Words heard where nobody speaks: false words an hour on ../shared/speech/noise, on silence and on a melody.

python tests/bench/noise.py [--chunk-ms 640]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from measure import SHARED_SPEECH, record, test_recordings

from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import Final
from asr_app.library import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer


def words_in(recognizer: Recognizer, samples: Samples) -> int:
    """How many words the recogniser hears."""
    session = recognizer.session()
    events = session.accept(AudioChunk(samples, recognizer.sample_rate, 0)) + session.finish()
    return sum(len(event.words) for event in events if isinstance(event, Final))


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunk-ms", type=int, default=640)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    recognizer = Recognizer.load(find_model(arguments.model), RecognizerOptions(arguments.chunk_ms, device="cpu"))
    labels = _labels(SHARED_SPEECH / "noise" / "manifest.jsonl")
    by_label: dict[str, int] = {}
    seconds = 0.0
    for path in test_recordings("noise"):
        samples = read_audio(path)
        seconds += len(samples) / 16000
        label = labels[path]
        by_label[label] = by_label.get(label, 0) + words_in(recognizer, samples)
    total = sum(by_label.values())
    melody = words_in(recognizer, play(600.0))
    silence = words_in(recognizer, np.zeros(16000 * 600, np.float32))
    an_hour = round(total / seconds * 3600, 1)
    figures = {"minutes": round(seconds / 60, 1), "words": total, "words_an_hour": an_hour}
    quiet = {"words_in_10_min_of_silence": silence, "words_in_10_min_of_melody": melody}
    record("noise", {**figures, "by_label": by_label, **quiet})


def play(seconds: float, rate: int = 16000) -> Samples:
    """Plucked chords of random notes: made, because no music is among the shared recordings."""
    random = np.random.default_rng(1)
    length = rate // 2
    time = np.arange(length) / rate
    notes = []
    for _ in range(int(seconds * 2)):
        chord = 220.0 * 2.0 ** (random.choice([0, 3, 5, 7, 10, 12, 15], 3) / 12)
        tones = [np.sin(2 * np.pi * pitch * part * time) / part for pitch in chord for part in range(1, 6)]
        notes.append(0.05 * np.sum(tones, axis=0) * np.exp(-4 * time))
    return np.concatenate(notes).astype(np.float32)


def _labels(manifest: Path) -> dict[Path, str]:
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return {manifest.parent / row["audio"]: row["label"] for row in rows}


if __name__ == "__main__":
    main()
