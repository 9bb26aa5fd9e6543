"""F1 of marks, case and spans on held-back text, beside the majority and an n-gram; milliseconds a sentence.

And how often a final ends with a sentence, where it is one and where it is cut in the midst of one.

python tests/bench/punctuation.py RUN --recipe RECIPE [--tools FOLDER] [--split test]

RUN is the folder of `python -m models.recipes.texts.punctuation RECIPE`: its text and model. Without --tools, the
folder of KenLM's lmplz and build_binary, the n-gram is left out. It is a hidden-event model (Stolcke and Shriberg,
Automatic linguistic segmentation of conversational speech, 1996): marks are words of it, and words have their capitals.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import kenlm
import numpy as np
import torch
from measure import record

from asr_app.text.punctuation import ModelTagger
from asr_app.text.rewriting import ENDS
from decoder.lm_build import estimate_arpa, find_tools
from decoder.lm_recipe import EstimateOptions
from models.recipes.texts.label_scores import Counts, count_labels
from models.recipes.texts.punctuation import (
    MODEL,
    TEXT,
    held_back_pieces,
    read_punctuation_recipe,
    summary,
)
from models.recipes.texts.tagger_data import Corpus, prepare
from models.tagger import CASES, HEADS, LOOK_AHEAD, MARKS, load_tagger

BEAM = 8
CUTS = 250
"""Sentences of a group that are cut."""

Labels = dict[str, list[str]]
Labeller = Callable[[Sequence[str]], Labels]


def score(labeller: Labeller, pieces: Iterable[tuple[list[str], Any]]) -> dict[str, float]:
    """F1 of a labeller on pieces of held-back text; heads that it does not have are left out."""
    counts: dict[str, dict[str, Counts]] = {name: {} for name in HEADS}
    for words, labels in pieces:
        for name, found in labeller(words).items():
            wanted = [HEADS[name][number] for number in labels[:, list(HEADS).index(name)]]
            for label, more in count_labels(wanted, found).items():
                counts[name][label] = counts[name].get(label, Counts()) + more
    return {name: round(value, 4) for name, value in summary(counts).items()}


def majority(corpus: Corpus) -> Labeller:
    """Each word's commonest labels."""
    stream = corpus.stream("train")
    tables = {}
    for place, (name, labels) in enumerate(HEADS.items()):
        counts = np.zeros((len(corpus.words), len(labels)), np.int64)
        np.add.at(counts, (stream.words, stream.labels[:, place]), 1)
        best = counts.argmax(1)
        tables[name] = {word: labels[number] for word, number in zip(corpus.words, best, strict=True)}
    return lambda words: {name: [table[word] for word in words] for name, table in tables.items()}


class NgramLabeller:
    """The likeliest capitals and marks of words by an n-gram, found by beam search."""

    def __init__(self, model: kenlm.Model) -> None:
        self._model = model

    def __call__(self, words: Sequence[str]) -> Labels:
        """The labels of two heads for each word."""
        start = kenlm.State()
        self._model.BeginSentenceWrite(start)
        beams: list[tuple[float, Any, tuple[tuple[str, str], ...]]] = [(0.0, start, ())]
        for word in words:
            grown = []
            for total, state, labels in beams:
                for case in ("lower", "capital"):
                    after = kenlm.State()
                    said = total + self._model.BaseScore(state, cased(word, case), after)
                    for mark in MARKS:
                        marked = kenlm.State()
                        more = self._model.BaseScore(after, mark, marked) if mark else 0.0
                        grown.append((said + more, marked if mark else after, (*labels, (case, mark))))
            beams = sorted(grown, key=lambda one: -one[0])[:BEAM]
        # what comes after the last word is the end of the text
        best = max(beams, key=lambda one: one[0] + self._model.BaseScore(one[1], "</s>", kenlm.State()))
        return {"case": [case for case, _ in best[2]], "mark": [mark for _, mark in best[2]]}


def cased(word: str, case: str) -> str:
    """A word in its case."""
    return {"lower": word, "capital": word.capitalize(), "upper": word.upper()}[case]


def ngram(corpus: Corpus, tools: Path, folder: Path) -> NgramLabeller:
    """A 4-gram of the training text with its marks and capitals, a line for every hundred words or so."""
    text, arpa = folder / "text.txt", folder / "model.arpa"
    stream = corpus.stream("train")
    starts = set(stream.starts.tolist())
    with text.open("w", encoding="utf-8") as file:
        length = 0
        for place, (word, (mark, case, _)) in enumerate(zip(stream.words, stream.labels, strict=True)):
            if length >= 100 and place in starts:
                file.write("\n")
                length = 0
            file.write(f"{cased(corpus.words[word], CASES[case])} {MARKS[mark]} ")
            length += 1
    lmplz, _ = find_tools(tools)
    estimate_arpa(lmplz, text, None, arpa, EstimateOptions(order=4, prune=(0, 0, 1, 1), memory="1G"))
    return NgramLabeller(kenlm.Model(str(arpa)))


def ends(corpus: Corpus, split: str, sources: Sequence[str], tagger: ModelTagger) -> dict[str, float]:
    """Percent of finals that the application ends with a sentence: whole sentences, and the same cut anywhere."""
    random = np.random.default_rng(1)
    ended: dict[str, list[bool]] = {"whole": [], "cut": []}
    while len(ended["cut"]) < CUTS:
        stream = corpus.streams[f"{split}/{random.choice(sources)}"]
        sentence = int(random.integers(len(stream.starts) - 1))
        words = [corpus.words[one] for one in stream.words[stream.starts[sentence] : stream.starts[sentence + 1]]]
        if 6 <= len(words) <= 40:
            cut = words[: random.integers(2, len(words) - 1)]
            for name, final in (("whole", words), ("cut", cut)):
                ended[name].append(tagger.tag(final)[-1][1] in ENDS)
    return {name: round(100 * float(np.mean(found)), 1) for name, found in ended.items()}


def milliseconds(labeller: Labeller, words: Sequence[str]) -> float:
    """Processor time of a sentence: the least of 20."""
    times = []
    for _ in range(20):
        started = time.process_time()
        labeller(words)
        times.append(time.process_time() - started)
    return round(1000 * min(times), 2)


def main() -> None:
    """Measure and print one JSON line a labeller."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--tools", type=Path)
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = read_punctuation_recipe(arguments.recipe)
    corpus = prepare(recipe.sources, recipe.held_back, Path(), Path(), arguments.run / TEXT, print)
    tagger = load_tagger(arguments.run / MODEL)

    application = ModelTagger.load(arguments.run / MODEL)
    for group, sources in recipe.groups.items():
        shares = ends(corpus, arguments.split, sources, application)
        record("punctuation: ends of finals", {"group": group, "split": arguments.split, **shares})

    def by_tagger(look_ahead: int | None) -> Labeller:
        def label(words: Sequence[str]) -> Labels:
            found = tagger.log_probs(words, look_ahead)
            return {name: [HEADS[name][one] for one in found[name].argmax(-1).tolist()] for name in HEADS}

        return label

    labellers = {"tagger": by_tagger(None), "tagger, live": by_tagger(LOOK_AHEAD), "majority": majority(corpus)}
    with tempfile.TemporaryDirectory(prefix="asr-punctuation-") as folder:
        if arguments.tools:
            labellers["4-gram"] = ngram(corpus, arguments.tools, Path(folder))
        sentence = ["the", "quick", "brown", "fox", "jumps"] * 4
        for name, labeller in labellers.items():
            f1 = {
                group: score(labeller, held_back_pieces(corpus, arguments.split, sources))
                for group, sources in recipe.groups.items()
            }
            speed = milliseconds(labeller, sentence) if name.startswith("tagger") else None
            record("punctuation", {"labeller": name, "split": arguments.split, "f1": f1, "ms_20_words": speed})


if __name__ == "__main__":
    main()
