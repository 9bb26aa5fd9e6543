"""Manifests of corpora in the form in which they are published: LibriSpeech's and CMU AN4's."""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import soundfile

from decoder.normalize import normalize
from models.recipes.commands import command

Spoken = tuple[Path, str, str]
"""Recording, speaker, what is said."""


def librispeech(folder: Path) -> Iterator[Spoken]:
    """The recordings of a LibriSpeech part (openslr.org/12, or 31 for train-clean-5), by its *.trans.txt.

    Raises ValueError for the parts dev-* and test-*, which must not be learnt.
    """
    for transcripts in sorted(folder.rglob("*.trans.txt")):
        part = transcripts.resolve().parents[2].name  # PART/SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt
        if part.startswith(("dev-", "test-")):
            raise ValueError(f"{part} is for evaluation only: name the folder of a train part")
        for line in transcripts.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            yield transcripts.parent / f"{name}.flac", f"ls{name.split('-')[0]}", text


def an4(folder: Path) -> Iterator[Spoken]:
    """The training part of AN4 (github.com/cmusphinx/an4), by etc/an4_train.fileids and .transcription."""
    names = (folder / "etc" / "an4_train.fileids").read_text(encoding="utf-8").split()
    lines = (folder / "etc" / "an4_train.transcription").read_text(encoding="utf-8").splitlines()
    for name, line in zip(names, lines, strict=True):
        text = re.sub(r"</?s>|\([^)]*\)", " ", line)
        yield folder / "wav" / f"{name}.wav", f"an4_{name.split('/')[-2]}", " ".join(text.split())


CORPORA: dict[str, Callable[[Path], Iterator[Spoken]]] = {"librispeech": librispeech, "an4": an4}


def write_manifest(folder: Path, spoken: Iterator[Spoken]) -> int:
    """Write manifest.jsonl into a corpus's folder, all of it as train; how many utterances it has.

    Raises ValueError where there are none, OSError for a recording that is not there.
    """
    rows = [
        {
            "audio": str(audio.relative_to(folder)),
            "text": normalize(said) or said.lower(),
            "raw_text": said,
            "speaker": speaker,
            "duration": round(soundfile.info(audio).duration, 3),
            "split": "train",
        }
        for audio, speaker, said in spoken
    ]
    if not rows:
        raise ValueError(f"{folder} has no transcripts of that form: name the folder of the unpacked corpus")
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


@command
def main() -> None:
    """Command line: `python -m models.recipes.data.corpora librispeech FOLDER`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=sorted(CORPORA))
    parser.add_argument("folder", type=Path, help="of the unpacked corpus; manifest.jsonl is written there")
    arguments = parser.parse_args()
    write_manifest(arguments.folder, CORPORA[arguments.form](arguments.folder))


if __name__ == "__main__":
    main()
