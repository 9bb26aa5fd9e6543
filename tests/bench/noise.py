"""Words heard where nobody speaks: on ../shared/speech/noise, on keys that are typed, on a melody and on silence.

python tests/bench/noise.py [--chunk-ms 320] [--minutes 10] [--also FILE...]

Everything goes the way of live dictation: the voice activity gate, and the recogniser behind it. The test recordings of
a kind are one stream, heard as they are and 20 and 40 dB softer. Keys and melody are made, because neither is among the
shared recordings; recordings of your own may be heard as well, each as it is.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import SHARED_SPEECH, record, test_recordings

from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import Event, Final, SpeechEnded, SpeechStarted
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.live.stream import LiveStream
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

RATE = 16_000
GAINS_DB = (0, -20, -40)


@dataclass
class Heard:
    """What came of some sound: minutes of it, words, and minutes in which the gate was open."""

    minutes: float = 0.0
    words: int = 0
    open_minutes: float = 0.0

    def add(self, samples: Samples, events: Iterable[Event]) -> None:
        """Count the events of a stream."""
        self.minutes += len(samples) / RATE / 60
        for event in events:
            if isinstance(event, Final):
                self.words += len(event.words)
            elif isinstance(event, SpeechStarted):
                self.open_minutes -= event.time_s / 60
            elif isinstance(event, SpeechEnded):
                self.open_minutes += event.time_s / 60

    @property
    def figures(self) -> dict[str, float]:
        """What is printed."""
        a_minute = round(self.words / self.minutes, 2)
        return {
            "minutes": round(self.minutes, 1),
            "words": self.words,
            "words_a_minute": a_minute,
            "share_taken_for_speech": round(self.open_minutes / self.minutes, 3),
        }


def listen(recognizer: Recognizer, samples: Samples) -> list[Event]:
    """The events of a stream from its start to its end."""
    stream, events = LiveStream(recognizer), list[Event]()
    for start in range(0, len(samples), RATE):
        events += stream.accept(AudioChunk(samples[start : start + RATE], RATE, start))
    return events + stream.flush()


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunk-ms", type=int, default=320)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each sound that is made")
    parser.add_argument("--also", type=Path, nargs="+", default=[], help="recordings in which nobody speaks")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    recognizer = Recognizer.load(find_model(arguments.model), RecognizerOptions(arguments.chunk_ms, device="cpu"))
    figures: dict[str, object] = {}
    recorded = _recorded()
    for gain_db in GAINS_DB:
        total, words = Heard(), dict[str, int]()
        for label, samples in recorded.items():
            before = total.words
            total.add(samples, listen(recognizer, samples * np.float32(10 ** (gain_db / 20))))
            words |= {label: total.words - before} if total.words > before else {}
        figures[f"recordings_at_{gain_db}_db"] = {**total.figures, "by_label": words}
    seconds = 60 * arguments.minutes
    made = {"typing": typing(seconds), "melody": melody(seconds), "silence": np.zeros(int(seconds * RATE), np.float32)}
    for name, samples in {**made, **{path.name: read_audio(path) for path in arguments.also}}.items():
        heard = Heard()
        heard.add(samples, listen(recognizer, samples))
        figures[name] = heard.figures
    record("noise", figures)


def melody(seconds: float) -> Samples:
    """Plucked chords of random notes."""
    random = np.random.default_rng(1)
    length = RATE // 2
    time = np.arange(length) / RATE
    notes = []
    for _ in range(int(seconds * 2)):
        chord = 220.0 * 2.0 ** (random.choice([0, 3, 5, 7, 10, 12, 15], 3) / 12)
        tones = [np.sin(2 * np.pi * pitch * part * time) / part for pitch in chord for part in range(1, 6)]
        notes.append(0.05 * np.sum(tones, axis=0) * np.exp(-4 * time))
    return np.concatenate(notes).astype(np.float32)


def typing(seconds: float) -> Samples:
    """Keys that are pressed and let go, six a second, bursts with pauses between; some knock on the desk."""
    random = np.random.default_rng(1)
    sound = 1e-3 * random.standard_normal(int(seconds * RATE))
    at = 0.5
    while at < seconds - 0.5:
        hold = random.uniform(0.05, 0.12)
        for moment, loudness in ((at, random.uniform(0.05, 0.4)), (at + hold, random.uniform(0.02, 0.15))):
            click = _click(random) * loudness
            start = int(moment * RATE)
            sound[start : start + len(click)] += click
        at += random.uniform(1.0, 4.0) if random.random() < 0.05 else random.uniform(0.08, 0.25)
    return sound.astype(np.float32)


def _click(random: np.random.Generator) -> Samples:
    """A key's sound: noise that dies within milliseconds, and the desk's resonance."""
    time = np.arange(int(0.05 * RATE)) / RATE
    noise = random.standard_normal(len(time)) * np.exp(-time / random.uniform(0.002, 0.006))
    desk = np.sin(2 * np.pi * random.uniform(120, 900) * time) * np.exp(-time / 0.012)
    click: Samples = (noise + random.uniform(0.0, 1.0) * desk).astype(np.float32)
    return click


def _recorded() -> dict[str, Samples]:
    """The test recordings of each kind, one after another."""
    rows = [json.loads(line) for line in (SHARED_SPEECH / "noise" / "manifest.jsonl").read_text("utf-8").splitlines()]
    labels: dict[Path, str] = {SHARED_SPEECH / "noise" / row["audio"]: row["label"] for row in rows}
    sounds: dict[str, list[Samples]] = {}
    for path in test_recordings("noise"):
        sounds.setdefault(labels[path], []).append(read_audio(path))
    return {label: np.concatenate(parts) for label, parts in sounds.items()}


if __name__ == "__main__":
    main()
