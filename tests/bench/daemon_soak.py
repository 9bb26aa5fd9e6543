"""Whether a daemon outlives its clients: 2,000 sessions, most of them broken off.

python tests/bench/daemon_soak.py [--sessions 2000]

The daemon is a process of its own with the model that ships; the sessions are of OpenAI's REST and Realtime, Vosk,
Wyoming (TCP and Unix socket) and the control socket, eight at a time. Three of four are broken off anywhere: killed,
reset, half a frame, garbage. Those that are well-behaved must hear what a client hears who is alone. Memory,
descriptors and threads of the daemon, which keeps one of these for each recording that may be heard at a time, are read
when all streams are over. Prints one JSON line, and exits with what went wrong.
"""

import argparse
import sys
import time

from daemon_process import Daemon, daemon, speech
from measure import record

from asr_app.daemon.limits import Limits

import storm  # isort: skip  # daemon_process says where it lies

SECONDS = 1.5  # of speech
ROUNDS = 10
WARM_UP = 3  # rounds
FLAT_MB = 10.0


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2_000)
    arguments = parser.parse_args()
    with daemon() as process:
        figures = soak(process, arguments.sessions)
    record("daemon_soak", figures)
    if wrong := [name for name in ("all_told", "flat", "nothing_left") if not figures[name]]:
        sys.exit(f"not {', not '.join(wrong)}")


def soak(process: Daemon, sessions: int) -> dict[str, object]:
    """The figures of so many sessions."""
    sound, began = speech(SECONDS), time.monotonic()
    alone = {name: speak() for name, speak in storm.speakers(process.at, sound).items()}
    told: list[storm.Told] = []
    use = [process.usage_at_rest()]
    for number in range(ROUNDS):
        told += storm.storm(process.at, sound, sessions // ROUNDS, seed=number)
        use.append(process.usage_at_rest())
    first, warm, rest = use[0], use[WARM_UP], use[WARM_UP:]
    as_if_alone = sum(text == alone[name] for name, text in told)
    return {
        "sessions": sessions // ROUNDS * ROUNDS,
        "well_behaved": len(told),
        "as_if_alone": as_if_alone,
        "words": {name: len(text.split()) for name, text in alone.items()},
        "memory_mb": [one.memory_mb for one in use],
        "descriptors": [one.descriptors for one in use],
        "threads": [one.threads for one in use],
        "all_told": all(alone.values()) and as_if_alone == len(told),
        "flat": max(one.memory_mb for one in rest) - warm.memory_mb <= FLAT_MB,
        "nothing_left": use[-1].descriptors <= warm.descriptors and use[-1].threads <= first.threads + Limits().uploads,
        "wall_s": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    main()
