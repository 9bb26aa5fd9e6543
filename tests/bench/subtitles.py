"""Subtitles of an hour of speech: every convention, as the parsers of other programs read them.

python tests/bench/subtitles.py [--minutes 60]      (needs the `test` extra and ../shared/speech)

The recordings of the test and dev splits of five corpora, half a second between them, as one recording. Torn: the
share of lines and cues that end on a word which belongs to the next (an article, a preposition, a possessive) while
the speaker goes on; beside it, of lines that are filled up to 42 characters.
"""

import argparse
import json
import re
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysubs2
import soundfile
import webvtt
from measure import SHARED_SPEECH, record, run

from asr_app.audio.file import read_audio

RATE = 16_000
CORPORA = ("librispeech_bits", "cmu_arctic", "kathleen", "alphanumeric", "speechocean762")
LEANING = frozenset(["a", "an", "the", "of", "to", "at", "from", "with", "my", "your", "his", "our", "their"])
GOES_ON_MS = 100
"""A pause between two cues that is no longer: the speaker goes on."""

Cue = tuple[int, int, str]
"""Start and end in milliseconds, and lines."""


def read_srt(path: Path) -> list[Cue]:
    """The cues of a SubRip file, by pysubs2."""
    return [(one.start, one.end, one.plaintext) for one in pysubs2.load(str(path), format_="srt")]


def read_vtt(path: Path) -> list[Cue]:
    """The cues of a WebVTT file, by webvtt-py."""
    return [(milliseconds(one.start), milliseconds(one.end), one.text) for one in webvtt.read(str(path))]


def milliseconds(clock: str) -> int:
    """Of 00:01:02.345."""
    hours, minutes, seconds, thousandths = map(int, re.split("[:.]", clock))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def broken(cues: list[Cue]) -> list[str]:
    """Which conventions cues break, each with its place."""
    found = []
    for start, end, text in cues:
        lines = text.split("\n")
        if not 1000 <= end - start <= 7000:
            found.append(f"shown for {end - start} ms at {start} ms")
        if not 1 <= len(lines) <= 2 or not all(0 < len(line) <= 42 for line in lines):
            found.append(f"{len(lines)} lines of {max(map(len, lines))} at {start} ms")
    return found + [f"overlap at {two[0]} ms" for one, two in pairwise(cues) if two[0] < one[1]]


def ends(cues: list[Cue]) -> Iterator[str]:
    """The last words of lines, and of cues behind which the speaker goes on."""
    for (_, end, text), (following, _, _) in pairwise(cues):
        *inner, last = text.split("\n")
        yield from (line.split()[-1] for line in inner)
        if following - end <= GOES_ON_MS:
            yield last.split()[-1]


def torn(words: Iterable[str]) -> float:
    """The share of them that belong to the next word, in per cent."""
    all_of_them = [word.casefold() for word in words]
    return round(100 * sum(word in LEANING for word in all_of_them) / max(1, len(all_of_them)), 2)


def filled(segments: Iterable[str]) -> Iterator[str]:
    """The last words of lines that take what has room, but for the last line of a segment."""
    for text in segments:
        yield from (line.split()[-1] for line in textwrap.wrap(text, 42)[:-1])


def write_talk(path: Path, minutes: float) -> None:
    """Recordings behind each other, so many minutes of them; exits with a reason where ../shared is absent."""
    manifests = [SHARED_SPEECH / corpus / "manifest.jsonl" for corpus in CORPORA]
    if not all(manifest.exists() for manifest in manifests):
        sys.exit("no ../shared/speech: this benchmark needs the shared recordings")
    left = round(60 * minutes * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC") as file:
        for manifest in manifests:
            for row in map(json.loads, manifest.read_text(encoding="utf-8").splitlines()):
                if row["split"] in ("test", "dev") and left > 0:
                    samples = read_audio(manifest.parent / row["audio"], RATE)[:left]
                    file.write(np.concatenate((samples, np.zeros(RATE // 2, np.float32))))
                    left -= len(samples)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as place:
        talk = Path(place) / "talk.flac"
        write_talk(talk, minutes)
        forms = [word for form in ("srt", "vtt", "karaoke", "json") for word in ("-f", form)]
        command = [sys.executable, "-m", "asr_app.cli.main", "transcribe", "--device", "cpu", "--threads", "1"]
        run([*command, "--beside", *forms, str(talk)])
        cues = read_srt(talk.with_suffix(".srt"))
        others = {ending: read_vtt(talk.with_suffix(ending)) for ending in (".vtt", ".karaoke.vtt")}
        segments = json.loads(talk.with_suffix(".json").read_text())["segments"]
        lengths = [end - start for start, end, _ in cues]
        record(
            "subtitles",
            {
                "minutes": minutes,
                "cues": len(cues),
                "broken": broken(cues),
                "vtt_is_the_same": [one == cues for one in others.values()],
                "mean_s": round(sum(lengths) / len(lengths) / 1000, 2),
                "longest_line": max(len(line) for _, _, text in cues for line in text.split("\n")),
                "torn": torn(ends(cues)),
                "torn_if_filled": torn(filled(segment["text"] for segment in segments)),
            },
        )


if __name__ == "__main__":
    main()
