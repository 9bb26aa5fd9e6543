"""`asr transcribe` beside pocketsphinx on the same recordings in the same run, one thread each.

python tests/bench/transcribe.py [--runs 3]      (needs the `bench` extra and ../shared/speech)

Whole processes, start-up included: real-time factor by processor time, peak memory, and how long after the start
the first words of a short recording are printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from measure import ONE_THREAD, record, run, test_recordings

from asr_app.audio.file import read_audio

ASR = [sys.executable, "-m", "asr_app.cli.main", "transcribe", "--threads", "1", "--device", "cpu"]
PEER = [sys.executable, str(Path(__file__).with_name("pocketsphinx_peer.py"))]


def seconds_to_first_word(recording: Path) -> float:
    """From the start of the process to the first line it prints."""
    started = time.perf_counter()
    with subprocess.Popen([*ASR, str(recording)], stdout=subprocess.PIPE, env={**os.environ, **ONE_THREAD}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return time.perf_counter() - started


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    recordings = test_recordings("librispeech_bits")
    files = [str(path) for path in recordings]
    audio_s = sum(len(read_audio(path)) for path in recordings) / 16000
    pairs = [(run([*ASR, *files]), run([*PEER, *files])) for _ in range(runs)]
    shortest = min(recordings, key=lambda path: path.stat().st_size)
    first_words = [seconds_to_first_word(shortest) for _ in range(runs)]
    record(
        "transcribe",
        {
            "audio_s": round(audio_s, 1),
            "runs": runs,
            "rtf": round(statistics.median(ours.cpu_s for ours, _ in pairs) / audio_s, 4),
            "peer_rtf": round(statistics.median(peer.cpu_s for _, peer in pairs) / audio_s, 4),
            "cpu_ratio": round(statistics.median(ours.cpu_s / peer.cpu_s for ours, peer in pairs), 3),
            "peak_mb": round(max(ours.peak_mb for ours, _ in pairs), 1),
            "peer_peak_mb": round(max(peer.peak_mb for _, peer in pairs), 1),
            "first_word_s": round(statistics.median(first_words), 2),
        },
    )


if __name__ == "__main__":
    main()
