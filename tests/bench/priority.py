"""Live speech beside a recording that is being transcribed: how much later its words come than alone, in the same run.

python tests/bench/priority.py [--streams 1] [--seconds 30] [--runs 2] [--threads 2]
(needs ../shared/speech)

The recording, ten minutes of LibriSpeech, is heard by asr_app.daemon.recordings from the first word to the last of the
live streams, again from its start where it ends before them.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from load import RATE, STEP_MS, TimedSession, chunks, streams, with_engine
from measure import record

from asr_app.audio.types import AudioChunk, Samples
from asr_app.daemon.recordings import Recordings
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

RECORDING_S = 600.0


class Transcribing:
    """A recording that is heard in a thread for as long as the context lasts; heard_s: how much of it was."""

    def __init__(self, recognizer: Recognizer, recording: Samples) -> None:
        self.heard_s = 0.0
        self._recognizer, self._recording, self._recordings = recognizer, recording, Recordings()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Transcribing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._recordings.close()

    def _run(self) -> None:
        while not self._is_over.is_set():
            for _ in self._recordings.transcribe(self._recognizer, self._chunks()):
                pass

    def _chunks(self) -> Iterator[AudioChunk]:
        for chunk in chunks(self._recording):
            if self._is_over.is_set():
                return
            self.heard_s += len(chunk.samples) / RATE
            yield chunk


def late(recognizer: Recognizer, sounds: Sequence[Samples]) -> dict[str, float]:
    """Live streams, heard in real time: how late their steps and words are, in milliseconds."""
    now = time.monotonic() + 0.5
    sessions = [TimedSession(recognizer, now + index * 0.61803 % 0.32) for index in range(len(sounds))]
    with_engine(recognizer, sessions, sounds)
    steps = [late for session in sessions for late in session.step_late_s[:-2]]
    words = [late for session in sessions for late in session.words.late_s]
    return {
        "step_p50_ms": 1000 * float(np.median(steps)),
        "step_p95_ms": 1000 * float(np.percentile(steps, 95)),
        "word_p95_ms": 1000 * float(np.percentile(words, 95)),
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="all cores, as in a daemon")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu", chunk_ms=STEP_MS))
    sounds = streams(arguments.streams, arguments.seconds)
    (recording,) = streams(1, RECORDING_S)
    with_engine(recognizer, [TimedSession(recognizer, 0.0)], [sounds[0][:RATE]])  # so that everything is loaded
    alone, beside, speeds = [], [], []
    for _ in range(arguments.runs):
        alone.append(late(recognizer, sounds))
        with Transcribing(recognizer, recording) as transcribing:
            beside.append(late(recognizer, sounds))
        speeds.append(transcribing.heard_s / arguments.seconds)
    figures = {
        name: {key: round(statistics.median(run[key] for run in runs), 1) for key in runs[0]}
        for name, runs in (("alone", alone), ("beside", beside))
    }
    ratio = round(figures["beside"]["step_p95_ms"] / figures["alone"]["step_p95_ms"], 2)
    cores = len(os.sched_getaffinity(0))
    told = {"streams": len(sounds), "cores": cores, "threads": arguments.threads, "step_p95_ratio": ratio}
    record("priority", {**told, "recording_times_real_time": round(statistics.median(speeds), 1), **figures})


if __name__ == "__main__":
    main()
