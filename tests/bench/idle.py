"""Processor time of a live session with the microphone open while nobody speaks: of each thread, and of each part.

python tests/bench/idle.py [--seconds 30] [--device NAME]      (Linux; needs an audio input; be quiet)

Threads are timed in the session: the recogniser's has the reading of the ring, the resampler, the spectrogram's columns
and the voice activity network; the sound library's is PortAudio's with its callback. Parts are timed one by one, the
least of several runs, on noise of -60 dBFS: milliseconds for a second of sound, of which 10 are 1 % of a core.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import record

from asr_app.audio.level import level_dbfs
from asr_app.audio.mel_columns import MelColumns
from asr_app.audio.microphone import Microphone
from asr_app.audio.overheard import Overheard
from asr_app.audio.resample import StreamingResampler
from asr_app.audio.types import AudioChunk
from asr_app.library import DEFAULT_MODEL, find_model
from asr_app.live import LiveSession, State
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.voice_activity import SpeechGate, VoiceActivityOptions

WARM_UP_S = 3.0
CHUNK_S = 0.08  # the microphone's
PART_S = 20
RATE = 16_000
TICK = 1 / os.sysconf("SC_CLK_TCK")


def thread_times() -> dict[str, float]:
    """Seconds of processor of this process's threads so far, by name; those that are not Python's are one."""
    named = {thread.native_id: thread.name for thread in threading.enumerate()}
    times: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        name = named.get(int(task.name), "sound library")
        times[name] = times.get(name, 0.0) + TICK * (int(fields[11]) + int(fields[12]))  # user and system
    return times


def of_session(seconds: float, device: str | None) -> dict[str, object]:
    """A session's processor time, as a share of a core."""
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu"))
    columns = MelColumns(recognizer.sample_rate)
    session = LiveSession(recognizer, Overheard(Microphone(device), [columns]))
    session.start()
    events: list[object] = []
    threading.Thread(target=lambda: events.extend(session.events()), name="events", daemon=True).start()
    time.sleep(WARM_UP_S)
    heard_s, cpu_s, threads = session.status.position_s, time.process_time(), thread_times()
    time.sleep(seconds)
    cpu_s, heard_s = time.process_time() - cpu_s, session.status.position_s - heard_s
    spent = {name: took - threads.get(name, 0.0) for name, took in thread_times().items()}
    if events or session.status.state is not State.LISTENING:
        sys.exit(f"this was no silence: {session.status.state}, {len(events)} events; try again in a quiet room")
    session.stop()
    session.join()
    shares = {name: round(took / heard_s, 4) for name, took in spent.items() if took}
    return {"heard_s": round(heard_s, 1), "of_a_core": round(cpu_s / heard_s, 4), "of_threads": shares}


def of_parts() -> dict[str, float]:
    """Milliseconds of processor for a second of sound."""
    noise = (1e-3 * np.random.default_rng(1).standard_normal(RATE * PART_S)).astype(np.float32)
    stereo = np.repeat(noise, 6).reshape(-1, 2)  # 48 kHz
    size = round(CHUNK_S * RATE)
    chunks = [AudioChunk(noise[start : start + size], RATE, start) for start in range(0, len(noise), size)]
    wide = [stereo[start : start + 3 * size] for start in range(0, len(stereo), 3 * size)]

    def resample() -> None:
        resampler = StreamingResampler(48_000, RATE)
        for frames in wide:
            resampler.accept(frames.mean(axis=1))

    def detect() -> None:
        gate = SpeechGate(VoiceActivityOptions())
        for chunk in chunks:
            list(gate.accept(chunk))

    columns = MelColumns(RATE)
    return {
        "resampling of 48 kHz": _ms(resample),
        "level": _ms(lambda: [level_dbfs(chunk.samples) for chunk in chunks]),
        "spectrogram": _ms(lambda: [columns.accept(chunk) for chunk in chunks]),
        "voice activity": _ms(detect),
    }


def _ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return round(1000 * min(times) / PART_S, 2)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--device")
    arguments = parser.parse_args()
    figures = of_session(arguments.seconds, arguments.device)
    record("idle", {**figures, "parts_ms": of_parts()})


if __name__ == "__main__":
    main()
