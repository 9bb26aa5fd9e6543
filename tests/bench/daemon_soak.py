"""Whether a daemon outlives its clients: 2,000 sessions, most broken off, then frames of chance at every protocol.

python tests/bench/daemon_soak.py [--sessions 2000] [--frames 10000]

The daemon is a process of its own with the model that ships; the sessions are of Vosk, Wyoming (TCP and Unix socket)
and the control socket, eight at a time. Three of four are broken off anywhere: killed, reset, half a frame, garbage.
Those that are well-behaved must hear what a client hears who is alone, also while others send frames of chance.
Memory, descriptors and threads of the daemon are read when all streams are over. Prints one JSON line, and exits with
what went wrong.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import REPOSITORY, record

sys.path.insert(0, str(REPOSITORY / "tests" / "asr_app" / "daemon"))

import serving
import storm
from serving import Addresses, House, pcm

from asr_app.audio.file import read_audio
from asr_app.daemon.client import ControlClient
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import Binding
from asr_app.library import DEFAULT_MODEL, SHIPPED, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

SECONDS = 2.0  # of speech
ROUNDS = 10
WARM_UP = 2  # rounds
FLAT_MB = 10.0


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--frames", type=int, default=10_000, help="to each protocol")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory() as folder, daemon(Path(folder)) as (process, at):
        figures = soak(process.pid, at, arguments.sessions, arguments.frames)
    record("daemon_soak", figures)
    if wrong := [name for name in ("all_told", "flat", "nothing_left", "undisturbed") if not figures[name]]:
        sys.exit(f"not {', not '.join(wrong)}")


def serve(folder: Path) -> None:
    """Be the daemon, until standard input ends."""
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(chunk_ms=320, device="cpu"))
    with House(recognizer, folder, Limits(), Binding()) as house:
        sys.stdout.write(json.dumps([house.vosk_port, house.wyoming_port]) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def daemon(folder: Path) -> Any:
    """The daemon's process, and where its servers are."""
    command = [sys.executable, __file__, "--serve", str(folder)]
    (folder / "none.toml").touch()
    environment = {**os.environ, "ASR_CONFIG": str(folder / "none.toml"), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        vosk, wyoming = json.loads(process.stdout.readline())
        yield process, Addresses(folder / "control.sock", vosk, wyoming, folder / "wyoming.sock")
        process.stdin.close()
        if process.wait(60):
            sys.exit(f"the daemon ended with {process.returncode}")


def soak(pid: int, at: Addresses, sessions: int, frames: int) -> dict[str, object]:
    """The figures of so many sessions, and of so many frames to each protocol."""
    sound = pcm(read_audio(SHIPPED / "sample.flac")[: int(SECONDS * serving.RATE)])
    began = time.monotonic()
    alone = serving.by_vosk(at.vosk_port, sound)
    told: list[str] = []
    use = [usage_at_rest(pid, at)]
    for number in range(ROUNDS):
        told += storm.storm(at, sound, sessions // ROUNDS, seed=number)
        use.append(usage_at_rest(pid, at))
    disturbed: set[str] = set()
    thrown: dict[str, int] = {}

    def attack(name: str, throw: Callable[[int], int]) -> None:
        thrown[name] = throw(frames)

    for name, throw in storm.attacks(at).items():
        disturbed |= storm.beside(lambda: serving.by_vosk(at.vosk_port, sound), lambda: attack(name, throw))  # noqa: B023
        use.append(usage_at_rest(pid, at))
    warm, rest = use[WARM_UP], use[WARM_UP:]
    return {
        "sessions": sessions // ROUNDS * ROUNDS,
        "well_behaved": len(told),
        "as_if_alone": told.count(alone),
        "words": len(alone.split()),
        "frames": thrown,
        "memory_mb": [one["memory_mb"] for one in use],
        "descriptors": [one["descriptors"] for one in use],
        "threads": [one["threads"] for one in use],
        "all_told": bool(alone) and told.count(alone) == len(told),
        "flat": max(one["memory_mb"] for one in rest) - warm["memory_mb"] <= FLAT_MB,
        "nothing_left": all(use[-1][name] <= warm[name] for name in ("descriptors", "threads")),
        "undisturbed": disturbed == {alone},
        "wall_s": round(time.monotonic() - began, 1),
    }


def usage_at_rest(pid: int, at: Addresses) -> dict[str, float]:
    """Memory that is the daemon's alone, descriptors and threads, when no stream is open and nobody is connected."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with ControlClient(at.control) as client:
            if client.request("status")["streams"] == {"live": 0, "files": 0}:
                break
        time.sleep(0.2)
    time.sleep(3.0)  # for connections that linger
    process = Path("/proc") / str(pid)
    rows = dict(line.split(":", 1) for line in (process / "smaps_rollup").read_text().splitlines()[1:])
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    private = sum(int(rows[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
    return {
        "memory_mb": round(private / 1024, 1),
        "descriptors": len(list((process / "fd").iterdir())),
        "threads": int(status["Threads"]),
    }


if __name__ == "__main__":
    main()
