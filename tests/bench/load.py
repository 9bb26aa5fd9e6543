"""Many people speak at once: the engine's one thread beside a thread for each session, in real time, in the same run.

OPENBLAS_NUM_THREADS=1 MKL_DISABLE_FAST_MM=1 ONEDNN_PRIMITIVE_CACHE_CAPACITY=128 \\
    taskset -c 0 python tests/bench/load.py [--streams 16] [--seconds 20] [--runs 2]
(needs ../shared/speech)

Each stream is LibriSpeech in chunks of 100 ms, as a microphone gives them, and begins at its own moment. Figures:
processor time for a second of a stream; how long after the end of a step's sound its words are known, and after the
end of a word itself; memory that a stream holds before its end. "clients" are streams as the daemon opens them,
with a voice activity gate and a second pass over each segment, whose finals come so long after their last words.
"""

import argparse
import ctypes
import gc
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from measure import record, test_recordings

from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.daemon.streams import LiveStream, Streams
from asr_app.engine.engine import Engine
from asr_app.engine.limits import EngineLimits
from asr_app.engine.stream import EngineStream
from asr_app.events import Event, Final, Transcript
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.live.event_queue import EventQueue
from asr_app.live.two_passes import SecondPass
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer, RecognizerSession
from decoder.types import LogProbs

RATE, CHUNK = 16_000, 1_600
STEP_MS = 320


class WordTimes:
    """How late the words of a stream are."""

    def __init__(self, began: float) -> None:
        """began: when (time.monotonic) the first sample is spoken."""
        self.began = began
        self.late_s: list[float] = []
        self._known = (0, 0)

    def note(self, event: Event) -> None:
        """An event, at the moment when it is told."""
        if not isinstance(event, Transcript) or not event.words:
            return
        now_s = time.monotonic() - self.began
        if (event.segment_id, len(event.words)) > self._known:
            self.late_s.append(now_s - event.words[-1].end_s)
        self._known = max(self._known, (event.segment_id, len(event.words)))


class TimedSession(RecognizerSession):
    """A session that notes how late its steps and its words are."""

    def __init__(self, recognizer: Recognizer, began: float) -> None:
        """began: see WordTimes."""
        super().__init__(recognizer)
        self.began, self.words = began, WordTimes(began)
        self.step_late_s: list[float] = []

    def decode(self, log_probs: LogProbs) -> list[Event]:
        """As ever, by the clock."""
        events = super().decode(log_probs)
        now_s = time.monotonic() - self.began
        self.step_late_s.append(now_s - (len(self.step_late_s) + 1) * STEP_MS / 1000)
        for event in events:
            self.words.note(event)
        return events


class TimedClient(EventQueue):
    """A client that notes how late what it is told is."""

    def __init__(self, began: float) -> None:
        """began: see WordTimes."""
        super().__init__()
        self.began, self.words = began, WordTimes(began)
        self.final_late_s: list[float] = []

    def put(self, event: Event) -> None:
        """Take it."""
        self.words.note(event)
        if isinstance(event, Final) and event.words:
            self.final_late_s.append(time.monotonic() - self.began - event.words[-1].end_s)
        super().put(event)


def chunks(samples: Samples) -> list[AudioChunk]:
    """A recording as a microphone gives it."""
    return [AudioChunk(samples[at : at + CHUNK], RATE, at) for at in range(0, len(samples), CHUNK)]


def wait_for(began: float, chunk: AudioChunk) -> None:
    """Until the chunk has been spoken."""
    time.sleep(max(0.0, began + (chunk.start_sample + CHUNK) / RATE - time.monotonic()))


def with_engine(recognizer: Recognizer, sessions: Sequence[TimedSession], sounds: Sequence[Samples]) -> float:
    """All sessions through one engine; see Play."""
    with Engine(recognizer, EngineLimits(streams=len(sessions))) as engine:
        queues = [EventQueue() for _ in sessions]
        streams = [engine.open(queue, one) for queue, one in zip(queues, sessions, strict=True)]
        return speak(streams, queues, [session.began for session in sessions], sounds)


def as_clients(recognizer: Recognizer, clients: Sequence[TimedClient], sounds: Sequence[Samples]) -> float:
    """All of them through one engine and one second pass; see Play."""
    second_pass, is_idle = SecondPass(), threading.Event()

    def settle() -> None:
        second_pass.submit(is_idle.set)
        is_idle.wait()

    with Engine(recognizer, EngineLimits(streams=len(clients))) as engine:
        opener = Streams(engine, recognizer.with_exact(recognizer.with_full_context()), second_pass)
        streams = [opener.open(client) for client in clients]
        held_mb = speak(streams, clients, [client.began for client in clients], sounds, settle)
    second_pass.close()
    return held_mb


def speak(
    streams: Sequence[EngineStream | LiveStream],
    queues: Sequence[EventQueue],
    began: Sequence[float],
    sounds: Sequence[Samples],
    settle: Callable[[], None] = lambda: None,
) -> float:
    """Every stream in real time, to its last event; see Play. settle: waits for work that no stream holds."""
    due = sorted(
        ((start + (chunk.start_sample + CHUNK) / RATE, index, chunk)
         for index, (start, sound) in enumerate(zip(began, sounds, strict=True))
         for chunk in chunks(sound)),
        key=lambda one: one[:2],
    )  # fmt: skip
    for _, index, chunk in due:
        wait_for(began[index], chunk)
        if not streams[index].accept(chunk):
            raise RuntimeError("the engine does not keep up: fewer --streams")
    settle()
    held_mb = resident_mb()
    for stream, queue in zip(streams, queues, strict=True):
        stream.finish()
        list(queue)
    return held_mb


def with_threads(recognizer: Recognizer, sessions: Sequence[TimedSession], sounds: Sequence[Samples]) -> float:
    """Each session in a thread of its own; see Play."""

    def play(session: TimedSession, sound: Samples) -> None:
        for chunk in chunks(sound):
            wait_for(session.began, chunk)
            session.accept(chunk)
        session.finish()

    threads = [threading.Thread(target=play, args=pair) for pair in zip(sessions, sounds, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return resident_mb()


Heard = TypeVar("Heard", TimedSession, TimedClient)
Play = Callable[[Recognizer, Sequence[Heard], Sequence[Samples]], float]
"""Plays all sounds at once; memory of the process in MB when all was spoken and nothing was given up."""


def measure(
    play: Play[Heard], make: Callable[[float], Heard], recognizer: Recognizer, sounds: Sequence[Samples]
) -> dict[str, float]:
    """One run of all sounds at once. make: what one of them is heard by, given when it begins."""
    before_mb, now = resident_mb(), time.monotonic() + 0.5
    heard = [make(now + index * 0.61803 % 0.32) for index in range(len(sounds))]
    cpu_s = time.process_time()
    grown_mb = play(recognizer, heard, sounds) - before_mb
    cpu_s = time.process_time() - cpu_s
    late_s = {"word": [late for one in heard for late in one.words.late_s]}
    for one in heard:
        if isinstance(one, TimedClient):
            late_s.setdefault("final", []).extend(one.final_late_s)
        else:
            late_s.setdefault("step", []).extend(one.step_late_s[:-2])  # the last are of the end's silence
    return {
        "cpu_ms_per_stream_s": 1000 * cpu_s / (sum(map(len, sounds)) / RATE),
        **{f"{name}_p{part}_ms": 1000 * float(np.percentile(times, part))
           for name, times in late_s.items() for part in (50, 95)},
        "mb_per_stream": grown_mb / len(sounds),
        "words": len(late_s["word"]),
    }  # fmt: skip


def resident_mb() -> float:
    """Memory of this process that is in use: the allocator (glibc's) gives the rest back first."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def streams(count: int, seconds: float) -> list[Samples]:
    """So many recordings of this length, each from its own place in the test recordings."""
    speech = np.concatenate([read_audio(path) for path in test_recordings("librispeech_bits")])
    size = round(seconds * RATE)
    starts = [index * max(1, len(speech) - size) // max(1, count - 1) for index in range(count)]
    return [speech[start : start + size] for start in starts]


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu", chunk_ms=STEP_MS))
    sounds = streams(arguments.streams, arguments.seconds)
    # so that everything is loaded, and what a batch of this size needs is there
    with_engine(recognizer, [TimedSession(recognizer, 0.0) for _ in sounds], [sound[:RATE] for sound in sounds])
    as_clients(recognizer, [TimedClient(time.monotonic()) for _ in sounds], sounds)

    def session(began: float) -> TimedSession:
        return TimedSession(recognizer, began)

    runs = [
        {
            "engine": measure(with_engine, session, recognizer, sounds),
            "clients": measure(as_clients, TimedClient, recognizer, sounds),
            "threads": measure(with_threads, session, recognizer, sounds),
        }
        for _ in range(arguments.runs)
    ]
    figures: dict[str, object] = {
        name: {key: round(statistics.median(run[name][key] for run in runs), 2) for key in runs[0][name]}
        for name in runs[0]
    }
    cores = len(os.sched_getaffinity(0))
    record("load", {"streams": len(sounds), "cores": cores, "step_ms": STEP_MS, **figures})


if __name__ == "__main__":
    main()
