"""Sentences to synthesise: plain ones of the texts, whose words are all in the vocabulary."""

import argparse
import lzma
import random
from collections.abc import Iterator
from pathlib import Path

from decoder.normalize import normalize
from models.recipes.lexicon import read_words

SHARES = {
    "tatoeba-eng": 40000,
    "novels-eltec-1880-1920": 12000,
    "novels-eltec-1860-1879": 6000,
    "tales-fairytaleqa": 6000,
    "dialogue-self": 10000,
    "wikipedia-core-2014": 12000,
    "commands-nlu-home-lowercase": 8000,
    "press-conferences-us-1960-1980": 5000,
}
"""How many sentences of which text."""


def plain_sentences(path: Path, vocabulary: set[str]) -> Iterator[str]:
    """Normalised lines of 2 to 20 known words, of those without digits, brackets or signs."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if any(mark in line for mark in "0123456789()[]/&%$"):
                continue
            words = (normalize(line) or "").split()
            if 2 <= len(words) <= 20 and vocabulary.issuperset(words):
                yield " ".join(words)


def main() -> None:
    """Command line: `python -m models.recipes.sentences TEXTS --words WORDS.txt.gz --output OUT.txt`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path, help="folder of the .txt.xz files")
    parser.add_argument("--words", type=Path, required=True, help="vocabulary, one word a line")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    choice = random.Random(arguments.seed)
    vocabulary = set(read_words(arguments.words))
    chosen: list[str] = []
    for name, share in SHARES.items():
        found = list(plain_sentences(arguments.texts / f"{name}.txt.xz", vocabulary))
        chosen += choice.sample(found, min(share, len(found)))
    choice.shuffle(chosen)
    arguments.output.write_text("\n".join(chosen) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
