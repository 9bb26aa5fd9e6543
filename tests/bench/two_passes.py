"""What the second pass of live dictation is worth: word errors of the first pass, and of both, and what it costs.

python tests/bench/two_passes.py [--final-model same] [--chunk-ms 320] [--split dev]      (needs ../shared/speech)

Recordings go through a live stream behind the voice activity gate. One JSON line a corpus, then one with milliseconds
of processor for a segment, and for a second of its sound.
"""

import argparse
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from measure import SHARED_SPEECH, record
from posteriors import CORPORA

import asr_app.live.two_passes
from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.cli.live import live_settings, load_live_recognizer
from asr_app.engine.sound_memory import SoundMemory
from asr_app.events import Event, Final
from asr_app.files.hearing import hear
from asr_app.files.segments import Speech
from asr_app.live.stream import LiveStream
from asr_app.live.two_passes import SecondPass, TwoPasses
from asr_app.recognizer import Recognizer
from asr_app.sinks.segment import Utterance
from decoder.metrics import ErrorCounts, word_errors
from decoder.normalize import normalize
from models.recipes.data.manifest import read_manifests

RATE, CHUNK = 16_000, 1_600
SILENCE_S = 1.5  # behind a recording, as a speaker leaves it


@dataclass
class Tape:
    """A listener that keeps the finals."""

    finals: list[Final] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def put(self, event: Event) -> None:
        """Keep a final."""
        if isinstance(event, Final):
            self.finals.append(event)

    def close(self) -> None:
        """All were told."""
        self.closed.set()

    @property
    def text(self) -> str:
        """The words, as transcripts have them."""
        return normalize(" ".join(final.text for final in self.finals)) or ""


@dataclass
class Timed:
    """Hearing, and the seconds of sound and of processor that each segment took."""

    segments: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self, recognizer: Recognizer, speech: Speech) -> Utterance:
        """Hear a segment."""
        began = time.thread_time()
        heard = hear(recognizer, speech)
        self.segments.append((len(speech.samples) / RATE, time.thread_time() - began))
        return heard


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="english")
    parser.add_argument("--final-model", default="same")
    parser.add_argument("--chunk-ms", type=int, default=320)
    parser.add_argument("--split", default="dev", choices=CORPORA)
    parser.add_argument("--each", type=int, help="recordings of each corpus; all without it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    asr_app.live.two_passes.hear = timed = Timed()  # type: ignore[assignment]
    asr_app.live.two_passes._PATIENCE_S = 60.0  # a busy machine is no reason for another result
    chosen = {"model": arguments.model, "final_model": arguments.final_model, "chunk_ms": arguments.chunk_ms}
    recognizer = load_live_recognizer(live_settings(**chosen, device="cpu"))
    about = {"split": arguments.split, **chosen}
    for corpus in CORPORA[arguments.split]:
        errors: dict[str, list[ErrorCounts]] = defaultdict(list)
        manifest = SHARED_SPEECH / corpus / "manifest.jsonl"
        for one in read_manifests([manifest], arguments.split)[: arguments.each]:
            reference = normalize(one.text or "") or ""
            first, second = heard_by(recognizer, read_audio(one.audio))
            errors["first_pass"].append(word_errors(reference, first.text))
            errors["second_pass"].append(word_errors(reference, second.text))
        rates = {name: round(100 * sum(counts, ErrorCounts()).rate, 1) for name, counts in errors.items()}
        record("two_passes", {**about, "corpus": corpus, "recordings": len(errors["first_pass"]), **rates})
    sound, spent = np.array(timed.segments).T
    milliseconds = [round(1000 * float(np.percentile(spent, share)), 1) for share in (50, 95)]
    figures = {"segments": len(sound), "sound_s_p50": round(float(np.median(sound)), 1)}
    figures |= {"ms_p50": milliseconds[0], "ms_p95": milliseconds[1]}
    record("two_passes", {**about, **figures, "ms_a_second": round(1000 * float(spent.sum() / sound.sum()), 1)})


def heard_by(recognizer: Recognizer, samples: Samples) -> tuple[Tape, Tape]:
    """The finals of the first pass, and those of the second."""
    assert recognizer.exact
    memory, second_pass, first, second = SoundMemory(), SecondPass(), Tape(), Tape()
    stream, passes = LiveStream(recognizer, memory=memory), TwoPasses(second, recognizer.exact, memory, second_pass)
    for chunk in chunks(np.pad(samples, (0, round(SILENCE_S * RATE)))):
        for event in stream.accept(chunk):
            passes.put(event)
            first.put(event)
    for event in stream.flush():
        passes.put(event)
        first.put(event)
    passes.close()
    second_pass.close()
    second.closed.wait()
    return first, second


def chunks(samples: Samples) -> Iterator[AudioChunk]:
    """A recording as a microphone gives it."""
    for at in range(0, len(samples), CHUNK):
        yield AudioChunk(samples[at : at + CHUNK], RATE, at)


if __name__ == "__main__":
    main()
