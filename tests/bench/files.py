"""`asr transcribe` by the length and the number of recordings, beside pocketsphinx, and what each part of it takes.

python tests/bench/files.py [--only parts lengths jobs numbers kills silence cluster] [--minutes 1 10 180] ...
(needs the `bench` extra and ../shared/speech; cluster needs the `cluster` extra)

A line of JSON for each section, as soon as it is measured:
parts: milliseconds of processor for a second of a talk. lengths: talks of LibriSpeech's test recordings with 2 s of
silence between them, one process: real-time factor by processor time, times real time on the clock, peak memory; the
peer hears the same where that is no longer than --peer-minutes. jobs: times real time on the clock, by the number of
workers, of a talk of --jobs-minutes. numbers: that many recordings of 3 s; the peer hears at most --peer-files. kills:
so often a batch of 200 such recordings is killed at random and resumed; the transcripts are compared with those of an
undisturbed run. silence: a recording of so many hours in which nothing is heard. cluster: the 200 recordings and a talk
of 5 minutes with --cluster local, by the number of actors, compared with one machine's transcripts.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from measure import ONE_THREAD, Usage, record, run, test_recordings

from asr_app.audio.file import open_audio, read_audio
from asr_app.audio.silero import SileroVad
from asr_app.files.segments import Segmenter
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer

RATE = 16_000
ASR = [sys.executable, "-m", "asr_app.cli.main", "transcribe", "--device", "cpu", "--threads", "1"]
PEER = [sys.executable, str(Path(__file__).with_name("pocketsphinx_peer.py"))]
SHORT = 200

Figures = dict[str, object]


class Recordings:
    """What is heard: made in a folder when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._samples = [read_audio(path) for path in test_recordings("librispeech_bits")]

    def talk(self, minutes: float) -> Path:
        """A talk of so many minutes."""
        path = self.folder / f"{minutes:g}.flac"
        if not path.exists():
            self._write_talk(path, round(60 * minutes * RATE))
        return path

    def short(self) -> list[Path]:
        """Many of 3 s, in a folder of their own."""
        folder = self.folder / "short"
        if not folder.exists():
            folder.mkdir()
            for number, samples in zip(range(SHORT), cycle(self._samples), strict=False):
                soundfile.write(folder / f"{number:03}.flac", samples[: 3 * RATE], RATE)
        return sorted(folder.glob("*.flac"))

    def silence(self, hours: float) -> Path:
        """Digital silence."""
        path = self.folder / "silence.flac"
        with soundfile.SoundFile(path, "w", RATE, 1) as file:
            for _ in range(round(60 * hours)):
                file.write(np.zeros(60 * RATE, np.int16))
        return path

    def _write_talk(self, path: Path, left: int) -> None:
        with soundfile.SoundFile(path, "w", RATE, 1) as file:
            for samples in cycle(self._samples):
                file.write(samples[:left])
                left -= len(samples) + 2 * RATE
                if left <= 0:
                    return
                file.write(np.zeros(2 * RATE, np.float32))


def usage(of: Usage, seconds: float) -> Figures:
    """Real-time factor by processor time, times real time on the clock, memory."""
    return {
        "rtf": round(of.cpu_s / seconds, 4),
        "times_real_time": round(seconds / of.wall_s, 1),
        "peak_mb": round(of.peak_mb),
    }


def peer(command: list[str], seconds: float) -> Figures:
    """The same of the peer."""
    return {f"peer_{name}": value for name, value in usage(run([*PEER, *command]), seconds).items()}


def least(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of processor, the least of several runs."""
    took = []
    for _ in range(runs):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def of_parts(recordings: Recordings, _: argparse.Namespace) -> Figures:
    """Milliseconds for a second of a talk."""
    talk = recordings.talk(1)
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu"))
    with open_audio(talk) as source:
        chunks = list(source)
    runs = list(Segmenter(SileroVad()).segments(chunks))
    heard = [recognizer.log_probs(speech.samples) for speech in runs]

    def search() -> None:
        for log_probs in heard:
            session = recognizer.decoder.session()
            session.accept(log_probs)
            recognizer.final(session)

    seconds = sum(len(chunk.samples) for chunk in chunks) / RATE
    parts: dict[str, Callable[[], object]] = {
        "read": lambda: read_audio(talk),
        "voice_activity": lambda: list(Segmenter(SileroVad()).segments(chunks)),
        "encoder": lambda: [recognizer.log_probs(speech.samples) for speech in runs],
        "search_and_second_pass": search,
    }
    return {name: round(1000 * least(part) / seconds, 2) for name, part in parts.items()}


def of_lengths(recordings: Recordings, wanted: argparse.Namespace) -> Figures:
    """Talks, in one process."""
    rows = {}
    for minutes in wanted.minutes:
        talk = str(recordings.talk(minutes))
        row = usage(run([*ASR, "--jobs", "1", talk]), 60 * minutes)
        rows[f"{minutes:g} min"] = row | (peer([talk], 60 * minutes) if minutes <= wanted.peer_minutes else {})
    return rows


def of_jobs(recordings: Recordings, wanted: argparse.Namespace) -> Figures:
    """A talk, by the number of workers; their processor time and memory are not those of the process that is seen."""
    talk, seconds = str(recordings.talk(wanted.jobs_minutes)), 60 * wanted.jobs_minutes
    took = {jobs: run([*ASR, "--jobs", str(jobs), talk]).wall_s for jobs in wanted.jobs}
    return {f"times_real_time_with_{jobs}": round(seconds / wall, 1) for jobs, wall in took.items()}


def of_numbers(recordings: Recordings, wanted: argparse.Namespace) -> Figures:
    """Batches of short recordings, in one process."""
    rows = {}
    for number in wanted.files:
        files = list(map(str, recordings.short()[:number]))
        row = usage(run([*ASR, "--jobs", "1", *files]), 3 * number)
        rows[f"{number} files"] = row | (peer(files, 3 * number) if number <= wanted.peer_files else {})
    return rows


def transcripts(folder: Path) -> dict[str, bytes]:
    """What a batch wrote."""
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def of_kills(recordings: Recordings, wanted: argparse.Namespace) -> Figures:
    """Whether a batch that was killed so often comes out as an undisturbed one."""
    folder = recordings.folder / "killed"
    command = [*ASR, "--jobs", "2", "--progress", "none", "-f", "json", *map(str, recordings.short()), "-o"]
    took = run([*command, str(folder / "whole")]).wall_s
    kills = 0
    while kills < wanted.kills:
        again = [*command, str(folder / "pieces"), "--resume"]
        with subprocess.Popen(again, env={**os.environ, **ONE_THREAD}) as process:
            try:
                process.wait(random.uniform(0.2, 0.8) * took)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
    run([*command, str(folder / "pieces"), "--resume"])
    whole = transcripts(folder / "whole")
    return {"kills": kills, "files": len(whole), "same": transcripts(folder / "pieces") == whole}


def of_silence(recordings: Recordings, wanted: argparse.Namespace) -> Figures:
    """A very long recording without a word."""
    silence = recordings.silence(wanted.silence_hours)
    return {"hours": wanted.silence_hours, **usage(run([*ASR, str(silence)]), 3600 * wanted.silence_hours)}


def of_cluster(recordings: Recordings, wanted: argparse.Namespace) -> Figures:
    """Ray on this machine, start included; processor time is that of the driver alone, so only the clock is told."""
    files = [*map(str, recordings.short()), str(recordings.talk(5))]
    place = recordings.folder / "cluster"
    command = [*ASR, "--progress", "none", "-f", "json", *files, "-o"]
    rows: Figures = {"one machine": round(run([*command, str(place / "here"), "--jobs", "1"]).wall_s, 1)}
    for jobs in wanted.jobs:
        cluster = ["--cluster", "local", "--jobs", str(jobs)]
        rows[f"{jobs} actors"] = round(run([*command, str(place / str(jobs)), *cluster]).wall_s, 1)
    same = all(transcripts(place / str(jobs)) == transcripts(place / "here") for jobs in wanted.jobs)
    return {"sound_s": 3 * SHORT + 300, "seconds": rows, "same": same}


SECTIONS: dict[str, Callable[[Recordings, argparse.Namespace], Figures]] = {
    "parts": of_parts,
    "lengths": of_lengths,
    "jobs": of_jobs,
    "numbers": of_numbers,
    "kills": of_kills,
    "silence": of_silence,
    "cluster": of_cluster,
}


def main() -> None:
    """Measure and print a line of JSON for each section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 180])
    parser.add_argument("--peer-minutes", type=float, default=1)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--jobs-minutes", type=float, default=20)
    parser.add_argument("--files", type=int, nargs="+", default=[1, 20, SHORT])
    parser.add_argument("--peer-files", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--silence-hours", type=float, default=24)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        recordings = Recordings(Path(place))
        for name in wanted.only:
            record("files", {name: SECTIONS[name](recordings, wanted)})
            sys.stdout.flush()


if __name__ == "__main__":
    main()
