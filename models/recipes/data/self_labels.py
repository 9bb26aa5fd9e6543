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
from typing import Any

from models.recipes.commands import command
from models.recipes.file_errors import naming


def segments(folder: Path) -> Iterator[dict[str, Any]]:
    """What `asr transcribe -f jsonl` wrote, a recording's segments together; ValueError where a file is none of its."""
    for path in sorted(folder.rglob("*.jsonl")):
        with naming(path):
            yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def confident(heard: Iterable[dict[str, Any]], speech: Path, least: float) -> Iterator[dict[str, object]]:
    """Key, text and mean confidence of the recordings that are at least so sure; keys are paths below `speech`."""
    for file, its_segments in groupby(heard, key=itemgetter("file")):
        words = [word for segment in its_segments for word in segment["words"]]
        confidence = fmean(word["confidence"] for word in words) if words else 0.0
        if confidence >= least:
            key = Path(file).resolve().relative_to(speech.resolve()).as_posix()
            text = " ".join(word["text"] for word in words)
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
