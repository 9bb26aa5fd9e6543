"""Processor time of a live session with the microphone open while nobody speaks: of each thread, and of each part.

OPENBLAS_NUM_THREADS=1 python tests/bench/idle.py [--seconds 30] [--device NAME]      (Linux; as the command sets it)

Without a device it hears the silence of a virtual microphone (see sound_server.py); with one, be quiet. First the whole
program is timed, `asr dictate` in a terminal of 80 by 24, then a session without the screen, thread by thread: the
recogniser's has the reading of the ring, the resampler, the spectrogram's columns and the voice activity network; the
sound library's is PortAudio's with its callback. Parts are timed one by one, the least of several runs, on noise of
-60 dBFS: milliseconds for a second of sound, of which 10 are 1 % of a core.
"""

import argparse
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from measure import record
from sound_server import MICROPHONE, until, virtual_microphone

from asr_app.audio.level import level_dbfs
from asr_app.audio.mel_columns import MelColumns
from asr_app.audio.microphone import Microphone
from asr_app.audio.overheard import Overheard
from asr_app.audio.resample import StreamingResampler
from asr_app.audio.types import AudioChunk
from asr_app.audio.voice_activity import SpeechGate, VoiceActivityOptions
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.live.session import LiveSession, State
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

WARM_UP_S = 5.0
CHUNK_S = 0.08  # the microphone's
PART_S = 20
RATE = 16_000
TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(stat: Path) -> float:
    """Seconds of processor of a process or thread so far."""
    fields = stat.read_text().rpartition(")")[2].split()
    return TICK * (int(fields[11]) + int(fields[12]))  # user and system


def thread_times() -> dict[str, float]:
    """Seconds of processor of this process's threads so far, by name; those that are not Python's are one."""
    named = {thread.native_id: thread.name for thread in threading.enumerate()}
    times: dict[str, float] = {}
    for task in Path("/proc/self/task").iterdir():
        name = named.get(int(task.name), "sound library")
        times[name] = times.get(name, 0.0) + cpu_s(task / "stat")
    return times


def of_program(seconds: float, device: str) -> float:
    """Processor time of `asr dictate`, its screen in it, as a share of a core."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "asr_app.cli.main", "dictate", "--no-journal", "--microphone", device]
    environment = {**os.environ, "TERM": "xterm-256color"}
    program = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = bytearray()

    def read() -> None:
        with suppress(OSError):  # which is the end of a terminal's output
            while True:
                written.extend(os.read(ours, 1 << 16))

    threading.Thread(target=read, daemon=True).start()
    try:
        until(lambda: b"Listening" in written)
        time.sleep(WARM_UP_S)
        stat, began = Path(f"/proc/{program.pid}/stat"), time.monotonic()
        before = cpu_s(stat)
        time.sleep(seconds)
        return round((cpu_s(stat) - before) / (time.monotonic() - began), 4)
    finally:
        program.kill()
        program.wait()


def of_session(seconds: float, device: str) -> dict[str, object]:
    """A session's processor time, as a share of a core."""
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu"))
    columns = MelColumns(recognizer.sample_rate)
    session = LiveSession(recognizer, Overheard(Microphone(device), [columns]))
    session.start()
    events: list[object] = []
    threading.Thread(target=lambda: events.extend(session.events()), name="events", daemon=True).start()
    time.sleep(WARM_UP_S)
    heard_s, spent_s, threads = session.status.position_s, time.process_time(), thread_times()
    time.sleep(seconds)
    spent_s, heard_s = time.process_time() - spent_s, session.status.position_s - heard_s
    spent = {name: took - threads.get(name, 0.0) for name, took in thread_times().items()}
    if events or session.status.state is not State.LISTENING:
        sys.exit(f"this was no silence: {session.status.state}, {len(events)} events; try again in a quiet room")
    session.stop()
    session.join()
    shares = {name: round(took / heard_s, 4) for name, took in spent.items() if took}
    return {"heard_s": round(heard_s, 1), "of_a_core": round(spent_s / heard_s, 4), "of_threads": shares}


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


def measure(seconds: float, device: str) -> dict[str, object]:
    """All figures of a device."""
    return {"program_of_a_core": of_program(seconds, device), **of_session(seconds, device), "parts_ms": of_parts()}


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--device")
    arguments = parser.parse_args()
    if arguments.device:
        record("idle", measure(arguments.seconds, arguments.device))
        return
    with tempfile.TemporaryDirectory() as folder, virtual_microphone(Path(folder)):
        record("idle", measure(arguments.seconds, MICROPHONE))


if __name__ == "__main__":
    main()
