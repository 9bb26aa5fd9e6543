"""Processor time of a live session that hears silence, with the microphone open.

python tests/bench/idle.py [--seconds 30] [--device NAME]      (needs an audio input; be quiet)
"""

import argparse
import sys
import threading
import time

from measure import record

from asr_app.audio.microphone import Microphone
from asr_app.library import DEFAULT_MODEL, find_model
from asr_app.live import LiveSession, State
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

WARM_UP_S = 3.0


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--device")
    arguments = parser.parse_args()
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu"))
    session = LiveSession(recognizer, Microphone(arguments.device))
    session.start()
    events: list[object] = []
    threading.Thread(target=lambda: events.extend(session.events()), daemon=True).start()
    time.sleep(WARM_UP_S)
    heard_s, cpu_s = session.status.position_s, time.process_time()
    time.sleep(arguments.seconds)
    cpu_s, heard_s = time.process_time() - cpu_s, session.status.position_s - heard_s
    if events or session.status.state is not State.LISTENING:
        sys.exit(f"this was no silence: {session.status.state}, {len(events)} events; try again in a quiet room")
    session.stop()
    session.join()
    record("idle", {"heard_s": round(heard_s, 1), "cpu_s": round(cpu_s, 3), "of_a_core": round(cpu_s / heard_s, 4)})


if __name__ == "__main__":
    main()
