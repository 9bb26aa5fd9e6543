"""Many people speak at once: the engine's one thread beside a thread for each session, in real time, in the same run.

OPENBLAS_NUM_THREADS=1 taskset -c 0 python tests/bench/load.py [--streams 16] [--seconds 20] [--runs 2]
(needs ../shared/speech)

Each stream is LibriSpeech in chunks of 100 ms, as a microphone gives them, and begins at its own moment. Figures:
processor time for a second of a stream; how long after the end of a step's sound its words are known, and after the
end of a word itself; memory that a stream holds at its end.
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

import numpy as np
import torch
from measure import record, test_recordings

from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.engine import Engine
from asr_app.engine_limits import EngineLimits
from asr_app.event_queue import EventQueue
from asr_app.events import Event, Transcript
from asr_app.library import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer, RecognizerSession
from decoder.types import LogProbs

RATE, CHUNK = 16_000, 1_600
STEP_MS = 320

Play = Callable[[Recognizer, "Sequence[TimedSession]", Sequence[Samples]], None]


class TimedSession(RecognizerSession):
    """A session that notes how late its steps and its words are."""

    def __init__(self, recognizer: Recognizer, began: float) -> None:
        """began: when (time.monotonic) the first sample is spoken."""
        super().__init__(recognizer)
        self.began, self.words = began, 0
        self.step_late_s: list[float] = []
        self.word_late_s: list[float] = []
        self._known = (0, 0)

    def decode(self, log_probs: LogProbs) -> list[Event]:
        """As ever, by the clock."""
        events = super().decode(log_probs)
        now_s = time.monotonic() - self.began
        self.step_late_s.append(now_s - (len(self.step_late_s) + 1) * STEP_MS / 1000)
        for event in events:
            if isinstance(event, Transcript) and event.words:
                if (event.segment_id, len(event.words)) > self._known:
                    self.word_late_s.append(now_s - event.words[-1].end_s)
                    self.words += 1
                self._known = max(self._known, (event.segment_id, len(event.words)))
        return events


def chunks(samples: Samples) -> list[AudioChunk]:
    """A recording as a microphone gives it."""
    return [AudioChunk(samples[at : at + CHUNK], RATE, at) for at in range(0, len(samples), CHUNK)]


def wait_for(session: TimedSession, chunk: AudioChunk) -> None:
    """Until the chunk has been spoken."""
    time.sleep(max(0.0, session.began + (chunk.start_sample + CHUNK) / RATE - time.monotonic()))


def with_engine(recognizer: Recognizer, sessions: Sequence[TimedSession], sounds: Sequence[Samples]) -> None:
    """All sessions through one engine."""
    with Engine(recognizer, EngineLimits(streams=len(sessions))) as engine:
        queues = [EventQueue() for _ in sessions]
        streams = [engine.open(queue, session=one) for queue, one in zip(queues, sessions, strict=True)]
        due = sorted(
            ((session.began + (chunk.start_sample + CHUNK) / RATE, index, chunk)
             for index, (session, sound) in enumerate(zip(sessions, sounds, strict=True))
             for chunk in chunks(sound)),
            key=lambda one: one[:2],
        )  # fmt: skip
        for _, index, chunk in due:
            wait_for(sessions[index], chunk)
            if not streams[index].accept(chunk):
                raise RuntimeError("the engine does not keep up: fewer --streams")
        for stream, queue in zip(streams, queues, strict=True):
            stream.finish()
            list(queue)


def with_threads(recognizer: Recognizer, sessions: Sequence[TimedSession], sounds: Sequence[Samples]) -> None:
    """Each session in a thread of its own."""

    def play(session: TimedSession, sound: Samples) -> None:
        for chunk in chunks(sound):
            wait_for(session, chunk)
            session.accept(chunk)
        session.finish()

    threads = [threading.Thread(target=play, args=pair) for pair in zip(sessions, sounds, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(play: Play, recognizer: Recognizer, sounds: Sequence[Samples]) -> dict[str, float]:
    """One run of all sounds at once."""
    before_mb, now = resident_mb(), time.monotonic() + 0.5
    sessions = [TimedSession(recognizer, now + index * 0.61803 % 0.32) for index in range(len(sounds))]
    cpu_s = time.process_time()
    play(recognizer, sessions, sounds)
    cpu_s = time.process_time() - cpu_s
    grown_mb = resident_mb() - before_mb
    steps = [late for session in sessions for late in session.step_late_s[:-2]]  # the last are of the end's silence
    words = [late for session in sessions for late in session.word_late_s]
    return {
        "cpu_ms_per_stream_s": 1000 * cpu_s / (sum(map(len, sounds)) / RATE),
        "step_p50_ms": 1000 * float(np.median(steps)),
        "step_p95_ms": 1000 * float(np.percentile(steps, 95)),
        "word_p50_ms": 1000 * float(np.median(words)),
        "word_p95_ms": 1000 * float(np.percentile(words, 95)),
        "mb_per_stream": grown_mb / len(sounds),
        "words": sum(session.words for session in sessions),
    }


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
    runs = [
        {name: measure(play, recognizer, sounds) for name, play in (("engine", with_engine), ("threads", with_threads))}
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
