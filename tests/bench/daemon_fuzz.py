"""Whether a daemon outlives frames of chance: 10,000 of Hypothesis's at each of its protocols.

python tests/bench/daemon_fuzz.py [--frames 10000]

The daemon is a process of its own with the model that ships. While OpenAI's REST and Realtime, Vosk, Wyoming and the
control socket are attacked, one after another, a Vosk client speaks again and again, and must hear what it hears when
it is alone. Prints one JSON line, and exits with what went wrong.
"""

import argparse
import sys
import time

from daemon_process import Daemon, daemon, speech
from measure import record

import storm  # isort: skip  # daemon_process says where it lies

SECONDS = 1.0  # of speech


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000, help="to each protocol")
    arguments = parser.parse_args()
    with daemon() as process:
        figures = fuzz(process, arguments.frames)
    record("daemon_fuzz", figures)
    if not figures["undisturbed"]:
        sys.exit("another client was disturbed")


def fuzz(process: Daemon, frames: int) -> dict[str, object]:
    """The figures of so many frames to each protocol."""
    speak, began = storm.speakers(process.at, speech(SECONDS))["vosk"], time.monotonic()
    alone = speak()
    told: set[str] = set()
    thrown: dict[str, int] = {}
    use = [process.usage_at_rest()]
    for name, throw in storm.attacks(process.at).items():
        told |= storm.beside(speak, lambda: thrown.update({name: throw(frames)}))  # noqa: B023  # called at once
        use.append(process.usage_at_rest())
    return {
        "frames": thrown,
        "words": len(alone.split()),
        "memory_mb": [one.memory_mb for one in use],
        "descriptors": [one.descriptors for one in use],
        "threads": [one.threads for one in use],
        "undisturbed": bool(alone) and told == {alone},
        "wall_s": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    main()
