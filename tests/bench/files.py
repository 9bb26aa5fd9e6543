"""`asr transcribe` by the length and the number of recordings, beside pocketsphinx, and what each part of it takes.

python tests/bench/files.py [--minutes 1 10 180] [--files 1 20 200] [--jobs 1 2] [--peer-minutes 1] [--kills 0]
(needs the `bench` extra and ../shared/speech)

Lengths: talks of LibriSpeech's test recordings with 2 s of silence between them, one process: real-time factor by
processor time, peak memory. The peer hears the same where that is no longer than --peer-minutes. Jobs: seconds on
the clock for the longest talk. Numbers: that many short recordings. Parts: milliseconds of processor for a second of
a talk. Kills: so often a batch of short recordings is killed at random and resumed; the transcripts are compared
with those of an undisturbed run.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from measure import ONE_THREAD, record, run, test_recordings

from asr_app.audio.file import open_audio, read_audio
from asr_app.audio.types import Samples
from asr_app.files.segments import Segmenter
from asr_app.library import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.silero import SileroVad

RATE = 16_000
ASR = [sys.executable, "-m", "asr_app.cli.main", "transcribe", "--device", "cpu", "--threads", "1"]
PEER = [sys.executable, str(Path(__file__).with_name("pocketsphinx_peer.py"))]


def write_talk(path: Path, recordings: list[Samples], minutes: float) -> None:
    """A talk of so many minutes."""
    left = round(60 * minutes * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC") as file:
        for samples in cycle([*recordings]):
            file.write(samples[:left])
            left -= len(samples) + 2 * RATE
            if left <= 0:
                return
            file.write(np.zeros(2 * RATE, np.float32))


def of_lengths(talks: dict[float, Path], peer_minutes: float) -> list[dict[str, float]]:
    """Real-time factors and memory."""
    rows = []
    for minutes, talk in talks.items():
        ours = run([*ASR, "--jobs", "1", str(talk)])
        row = {"minutes": minutes, "rtf": round(ours.cpu_s / 60 / minutes, 4), "peak_mb": round(ours.peak_mb)}
        if minutes <= peer_minutes:
            peer = run([*PEER, str(talk)])
            row |= {"peer_rtf": round(peer.cpu_s / 60 / minutes, 4), "peer_peak_mb": round(peer.peak_mb)}
        rows.append(row)
    return rows


def of_jobs(minutes: float, talk: Path, numbers: Iterable[int]) -> dict[str, float]:
    """Times real time on the clock, by the number of workers."""
    times = {str(jobs): run([*ASR, "--jobs", str(jobs), str(talk)]).wall_s for jobs in numbers}
    return {jobs: round(60 * minutes / wall, 1) for jobs, wall in times.items()}


def of_numbers(folder: Path, numbers: Iterable[int]) -> list[dict[str, float]]:
    """Processor and memory for batches of short recordings."""
    rows = []
    files = sorted(map(str, folder.glob("*.flac")))
    for number in numbers:
        ours = run([*ASR, "--jobs", "1", *files[:number]])
        rows.append({"files": number, "cpu_s": round(ours.cpu_s, 2), "peak_mb": round(ours.peak_mb)})
    return rows


def least(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of processor, the least of several runs."""
    took = []
    for _ in range(runs):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def of_parts(talk: Path) -> dict[str, float]:
    """Milliseconds for a second of a talk."""
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu"))
    with open_audio(talk) as source:
        chunks = list(source)
    runs = list(Segmenter(SileroVad()).segments(chunks))
    heard = [recognizer.log_probs(speech.samples) for speech in runs]

    def search() -> None:
        for log_probs in heard:
            session = recognizer.decoder.session()
            session.accept(log_probs)
            session.finish()

    seconds = sum(len(chunk.samples) for chunk in chunks) / RATE
    parts: dict[str, Callable[[], object]] = {
        "read": lambda: read_audio(talk),
        "voice_activity": lambda: list(Segmenter(SileroVad()).segments(chunks)),
        "encoder": lambda: [recognizer.log_probs(speech.samples) for speech in runs],
        "search": search,
    }
    return {name: round(1000 * least(part) / seconds, 2) for name, part in parts.items()}


def of_kills(folder: Path, out: Path, kills: int) -> dict[str, object]:
    """Whether a batch that was killed so often comes out as an undisturbed one."""
    command = [*ASR, "--jobs", "2", "--progress", "none", "-f", "json", str(folder), "-o"]
    began = time.perf_counter()
    run([*command, str(out / "whole")])
    took = time.perf_counter() - began
    done = 0
    while done < kills:
        with subprocess.Popen([*command, str(out / "pieces"), "--resume"], env={**os.environ, **ONE_THREAD}) as process:
            try:
                process.wait(random.uniform(0.2, 0.8) * took)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                done += 1
    run([*command, str(out / "pieces"), "--resume"])
    whole, pieces = (
        {path.name: path.read_bytes() for path in (out / one).glob("*.json")} for one in ("whole", "pieces")
    )
    return {"kills": done, "files": len(whole), "same": whole == pieces}


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 180])
    parser.add_argument("--files", type=int, nargs="+", default=[1, 20, 200])
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peer-minutes", type=float, default=1)
    parser.add_argument("--kills", type=int, default=0)
    wanted = parser.parse_args()
    recordings = [read_audio(path) for path in test_recordings("librispeech_bits")]
    with tempfile.TemporaryDirectory() as place:
        talks = {minutes: Path(place) / f"{minutes:g}.flac" for minutes in wanted.minutes}
        for minutes, talk in talks.items():
            write_talk(talk, recordings, minutes)
        short = Path(place) / "short"
        short.mkdir()
        for number, samples in zip(range(max(wanted.files)), cycle(recordings), strict=False):
            soundfile.write(short / f"{number:03}.flac", samples[: 3 * RATE], RATE)
        longest = max(talks)
        figures: dict[str, object] = {
            "parts_ms": of_parts(talks[min(talks)]),
            "lengths": of_lengths(talks, wanted.peer_minutes),
            "times_real_time": of_jobs(longest, talks[longest], wanted.jobs),
            "numbers": of_numbers(short, wanted.files),
        }
        if wanted.kills:
            figures["kills"] = of_kills(short, Path(place) / "out", wanted.kills)
        record("files", figures)


if __name__ == "__main__":
    main()
