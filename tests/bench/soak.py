"""Whether a dictation goes on for days: memory, every sample, and the same words at the end as at the start.

python tests/bench/soak.py [--hours 30] [--silence 240]      (needs ../shared/speech)

A microphone that PortAudio seems to serve, faster than real time: dev recordings in cycles, long silences of faint
noise between them, and in each cycle a moment that PortAudio loses. All else is the program's: the ring, the gate, the
recogniser, the events, a journal. Prints one JSON line, and exits with what went wrong.
"""

import argparse
import hashlib
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from measure import SHARED_SPEECH, record

import asr_app.audio.microphone
from asr_app.audio.file import read_audio
from asr_app.audio.microphone import Microphone
from asr_app.audio.overheard import Overheard
from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import AudioGap, Event, Failed, Final
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.live.session import LiveSession
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.records.journal import Journal, new_journal
from models.recipes.data.manifest import read_manifests

CORPORA = ("librispeech_bits", "speechocean762")
EACH = 2
RATE = 16_000
BLOCK = 512  # samples; a frame of the voice activity network, so that each cycle is to it as the one before
AHEAD_S = 4.0  # of the ring's ten
PATIENCE_S = 0.5
LOST_BLOCKS, TAIL_BLOCKS = 40, 60  # at the end of a cycle: longer than the gate stays open, and time to be told
WARM_UP = 0.2  # of the cycles
FLAT_MB = 5.0


@dataclass(slots=True)
class Count:
    """What a session heard, in samples; a listener of its source."""

    heard: int = 0
    lost: int = 0

    def accept(self, chunk: AudioChunk) -> None:
        """Count a chunk, and what is missing before it."""
        self.heard += len(chunk.samples)
        self.lost += chunk.dropped_before

    def close(self) -> None:
        """Nothing is to be done."""


@dataclass(slots=True)
class Told:
    """What a session told: the words of each cycle as a digest, lost samples, failures."""

    cycle_s: float
    digests: list[str] = field(default_factory=list)
    words: int = 0
    gaps: int = 0
    failure: str = ""
    _cycle: list[str] = field(default_factory=list)

    def take(self, event: Event, journal: Journal) -> None:
        """Count an event."""
        if isinstance(event, Final) and event.words:
            while event.words[0].start_s >= (len(self.digests) + 1) * self.cycle_s:
                self.close()
            journal.keep(event)
            self._cycle.append(event.text)
            self.words += len(event.words)
        elif isinstance(event, AudioGap):
            self.gaps += event.samples
        elif isinstance(event, Failed):
            self.failure = event.message

    def close(self) -> None:
        """End a cycle."""
        self.digests.append(hashlib.sha256("\n".join(self._cycle).encode()).hexdigest())
        self._cycle.clear()


class Device:
    """A module sounddevice with one input, whose stream `feed` serves."""

    PortAudioError = OSError

    def __init__(self) -> None:
        self.captured = 0
        self._stream: dict[str, Any] = {}

    def module(self) -> ModuleType:
        """What `import sounddevice` is to find."""
        module = ModuleType("sounddevice")
        device = {"index": 0, "name": "soak", "hostapi": 0, "max_input_channels": 1, "default_samplerate": RATE}
        for name, value in {
            "PortAudioError": OSError,
            "query_hostapis": lambda: [{"name": "none"}],
            "query_devices": lambda kind=None: device if kind else [device],
            "InputStream": self._open,
            "_exit_handler": lambda: None,
        }.items():
            setattr(module, name, value)
        return module

    def feed(self, samples: Samples, lost: int = 0) -> None:
        """What PortAudio's thread does with a block, after so many samples that it lost."""
        times = SimpleNamespace(inputBufferAdcTime=(self.captured + lost) / RATE)
        self._stream["callback"](samples[:, None], len(samples), times, SimpleNamespace(input_overflow=lost > 0))
        self.captured += lost + len(samples)

    def _open(self, **options: Any) -> "_Stream":
        self._stream = options
        return _Stream()


class _Stream:
    """What PortAudio opens."""

    active = True

    def start(self) -> None:
        """It is fed by hand."""

    abort = close = start


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=30.0)
    parser.add_argument("--silence", type=float, default=240.0, help="seconds before each recording")
    arguments = parser.parse_args()
    figures = soak(arguments.hours, arguments.silence)
    record("soak", figures)
    if wrong := [name for name in ("flat", "accounted", "same") if not figures[name]]:
        sys.exit(f"not {', not '.join(wrong)}")


def soak(hours: float, silence_s: float) -> dict[str, object]:
    """The figures of a session of so many hours."""
    asr_app.audio.microphone._POLL_S = 0.001
    asr_app.audio.microphone._SLACK_S = 3600.0  # sound comes faster than time here, and is lost faster, too
    device = Device()
    sys.modules["sounddevice"] = device.module()
    cycle = one_cycle(silence_s)
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(chunk_ms=320, device="cpu"))
    microphone, count = Microphone(), Count()
    session = LiveSession(recognizer, Overheard(microphone, [count]))
    cycles = max(2, round(hours * 3600 * RATE / len(cycle)))
    told, memory_mb = Told(len(cycle) / RATE), list[float]()
    began, began_cpu = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        journal = new_journal(Path(folder))
        session.start()
        reader = threading.Thread(target=lambda: [told.take(event, journal) for event in session.events()])
        reader.start()
        for _ in range(cycles):
            play(cycle, device, microphone, count)
            memory_mb.append(own_memory_mb())
        session.stop()
        reader.join()
        kept = len(journal.finals())
        journal.discard()
    told.close()
    settled = memory_mb[round(WARM_UP * cycles) :]
    return {
        "hours": round(device.captured / RATE / 3600, 2),
        "cycles": cycles,
        "words": told.words,
        "finals_kept": kept,
        "memory_mb": {"start": memory_mb[0], "settled": settled[0], "end": settled[-1], "most": max(settled)},
        "captured": device.captured,
        "heard": count.heard,
        "lost": count.lost,
        "flat": max(settled) - settled[0] <= FLAT_MB,
        "accounted": count.heard + count.lost == device.captured and told.gaps == count.lost and not told.failure,
        "same": len(told.digests) == cycles and len(set(told.digests)) == 1,
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time() - began_cpu, 1),
    }


def one_cycle(silence_s: float) -> Samples:
    """Recordings, each with silence before it, and a little after the last: whole blocks (n,)."""
    noise = np.random.default_rng(0).normal(0.0, 1e-4, round(silence_s * RATE)).astype(np.float32)
    found = [read_manifests([SHARED_SPEECH / corpus / "manifest.jsonl"], "dev")[:EACH] for corpus in CORPORA]
    parts = [part for utterances in found for one in utterances for part in (noise, read_audio(one.audio))]
    sound: Samples = np.concatenate([*parts, noise[: (2 * TAIL_BLOCKS + LOST_BLOCKS) * BLOCK]])
    return sound[: len(sound) // BLOCK * BLOCK]


def play(cycle: Samples, device: Device, microphone: Microphone, count: Count) -> None:
    """Feed a cycle, never more than the ring holds; of its last silence a part is lost."""
    blocks = cycle.reshape(-1, BLOCK)
    for block in blocks[: -TAIL_BLOCKS - LOST_BLOCKS]:
        while microphone.waiting_s > AHEAD_S:
            time.sleep(0.001)
        device.feed(block)
    while count.heard + count.lost < device.captured:  # else it would take longer than the silence until it is told
        time.sleep(0.001)
    lost, before = LOST_BLOCKS * BLOCK, count.lost
    for block in blocks[-TAIL_BLOCKS:]:
        device.feed(block, lost)
        lost, deadline = 0, time.monotonic() + PATIENCE_S
        while count.lost == before and time.monotonic() < deadline:
            time.sleep(0.001)


def own_memory_mb() -> float:
    """Memory that is this process's alone."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return round(sum(int(rows[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) / 1024, 1)


if __name__ == "__main__":
    main()
