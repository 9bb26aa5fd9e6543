"""Sentences to synthesise: plain ones of the texts, whose words are all in the vocabulary.

None repeats what is said in a dev or test split: synthetic speech must not teach what is evaluated on.
"""

import argparse
import lzma
import random
from collections.abc import Iterator
from pathlib import Path

from decoder.normalize import normalize
from models.recipes.commands import command
from models.recipes.data.lexicon import read_words
from models.recipes.data.manifest import read_manifests
from models.recipes.file_errors import naming

SHARES = {
    "tatoeba-eng": 80000,
    "novels-eltec-1880-1920": 30000,
    "novels-eltec-1860-1879": 15000,
    "tales-fairytaleqa": 12000,
    "dialogue-self": 40000,
    "dialogue-sgd": 40000,
    "dialogue-taskmaster": 8000,
    "meetings-ami-icsi": 15000,
    "wikipedia-core-2014": 30000,
    "wikipedia-new-2018-2021": 10000,
    "commands-nlu-home-lowercase": 11000,
    "press-conferences-us-1960-1980": 10000,
    "speeches-us-presidents-1930-2020": 10000,
}
"""How many sentences of which text: everyday ones, questions, orders, numbers, times, names, prose."""

MIN_WORDS, MAX_WORDS = 1, 25
REPEATED = 6
"""As many words in a row are never the same by chance."""

Words = tuple[str, ...]


def plain_sentences(path: Path, vocabulary: set[str]) -> Iterator[str]:
    """Normalised lines of 1 to 25 known words, numbers spelled, of those without brackets or signs."""
    with naming(path), lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if any(mark in line for mark in "()[]/&"):
                continue
            words = (normalize(line) or "").split()
            if MIN_WORDS <= len(words) <= MAX_WORDS and vocabulary.issuperset(words):
                yield " ".join(words)


def runs(text: str) -> set[Words]:
    """All runs of six words of a text; a shorter text is one run."""
    words = text.split()
    return {tuple(words[start : start + REPEATED]) for start in range(max(1, len(words) - REPEATED + 1))}


def held_back(manifests: list[Path]) -> set[Words]:
    """Runs of the transcripts of the dev and test splits of some manifests."""
    spoken = [one.text for one in read_manifests(manifests) if one.split in ("dev", "test") and one.text]
    return {run for text in spoken for run in runs(normalize(text) or text)}


@command
def main() -> None:
    """Command line: `python -m models.recipes.data.sentences TEXTS --words WORDS.txt.gz --output OUT.txt`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder of the .txt.xz files")
    parser.add_argument("--words", type=Path, required=True, help="vocabulary, one word a line")
    parser.add_argument("--exclude", type=Path, nargs="+", required=True, help="manifests with dev and test splits")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    choice = random.Random(arguments.seed)
    vocabulary, excluded = set(read_words(arguments.words)), held_back(arguments.exclude)
    chosen: list[str] = []
    for name, share in SHARES.items():
        found = dict.fromkeys(plain_sentences(arguments.texts / f"{name}.txt.xz", vocabulary))
        allowed = [sentence for sentence in found if excluded.isdisjoint(runs(sentence))]
        chosen += choice.sample(allowed, min(share, len(allowed)))
    choice.shuffle(chosen)
    arguments.output.write_text("\n".join(dict.fromkeys(chosen)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
