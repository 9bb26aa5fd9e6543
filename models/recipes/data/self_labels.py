"""Transcripts of untranscribed speech by a recogniser of our own, where it is confident, for a recipe's `transcripts`.

asr transcribe SPEECH/unlabelled --model RUN/checkpoint -f jsonl -o OWN
python -m models.recipes.data.self_labels OWN --speech SPEECH --confidence 0.8 --output DATA/own.jsonl
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import fmean

from models.recipes.commands import command
from models.recipes.file_errors import naming

Heard = tuple[str, list[tuple[str, float]]]
"""A segment: its recording, and its words with their confidence."""


def segments(folder: Path) -> Iterator[Heard]:
    """What `asr transcribe -f jsonl` wrote, a recording's segments together; ValueError where a file is none of its."""
    for path in sorted(folder.rglob("*.jsonl")):
        with naming(path), path.open(encoding="utf-8") as lines:
            for segment in map(json.loads, lines):
                yield segment["file"], [(word["text"], float(word["confidence"])) for word in segment["words"]]


def confident(heard: Iterable[Heard], speech: Path, least: float) -> Iterator[dict[str, object]]:
    """Key, text and mean confidence of the recordings that are at least so sure; keys are paths below `speech`."""
    for file, its_segments in groupby(heard, key=itemgetter(0)):
        words = [word for _, some in its_segments for word in some]
        confidence = fmean(sure for _, sure in words) if words else 0.0
        if confidence >= least:
            key = Path(file).resolve().relative_to(speech.resolve()).as_posix()
            text = " ".join(word for word, _ in words)
            yield {"key": key, "text": text, "confidence": round(confidence, 3)}


@command
def main() -> None:
    """Command line: as above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("transcripts", type=Path, help="folder of what was transcribed")
    parser.add_argument("--speech", type=Path, required=True, help="folder of all speech, from which keys are counted")
    parser.add_argument("--confidence", type=float, default=0.8, help="leave out what is less sure")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    rows = list(confident(segments(arguments.transcripts), arguments.speech, arguments.confidence))
    if not rows:
        raise ValueError(f"{arguments.transcripts} has no transcript that is sure enough: lower --confidence")
    arguments.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
