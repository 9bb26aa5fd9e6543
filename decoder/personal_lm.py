"""A language model of the user's own texts, to be interpolated with the default one (decoder.mixed_lm)."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from decoder.arpa import check_arpa, write_arpa
from decoder.kneser_ney import estimate
from decoder.lm_build import estimate_arpa, find_tool, find_tools
from decoder.lm_recipe import EstimateOptions
from decoder.notes import read_sentences

ORDER = 3
MIN_WORDS = 20
"""Less text says nothing about how its author speaks."""


@dataclass(frozen=True, slots=True)
class PersonalBuild:
    """A built model and what it was built from.

    unreadable: sentences without a certain reading, which were left out.
    ngrams: how many of each order.
    fallback: orders for which the text was too little to estimate discounts; empty where lmplz was used.
    """

    output: Path
    sentences: int
    words: int
    unreadable: int
    ngrams: tuple[int, ...]
    estimator: str
    fallback: tuple[int, ...] = ()


def build_personal_model(paths: Sequence[Path], output: Path, tools: Path | None = None) -> PersonalBuild:
    """Estimate a trigram from text files and write it as ARPA.

    lmplz does it where it is in the folder `tools` or on the PATH, decoder.kneser_ney elsewhere, with the same result.
    Raises OSError for a file that cannot be read or written, ValueError for one that is no text and for too little.
    """
    sentences: list[str] = []
    unreadable = 0
    for path in paths:
        for sentence in read_sentences(path):
            if sentence is None:
                unreadable += 1
            else:
                sentences.append(sentence)
    words = sum(len(sentence.split()) for sentence in sentences)
    if words < MIN_WORDS:
        names = ", ".join(map(str, paths))
        raise ValueError(f"{names}: only {words} words that can be read: give at least {MIN_WORDS} words of text")
    output.parent.mkdir(parents=True, exist_ok=True)
    lmplz = find_tool("lmplz", None) if tools is None else find_tools(tools)[0]
    if lmplz is None:
        estimated = estimate(sentences, ORDER)
        write_arpa(estimated.model, output)
        estimator, fallback = "the built-in estimator", estimated.fallback
    else:
        _estimate_by_lmplz(lmplz, sentences, output)
        estimator, fallback = str(lmplz), ()
    return PersonalBuild(output, len(sentences), words, unreadable, tuple(check_arpa(output)), estimator, fallback)


def _estimate_by_lmplz(lmplz: Path, sentences: Sequence[str], output: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="asr-lm-", dir=output.parent) as work:
        corpus, arpa = Path(work) / "corpus.txt", Path(work) / "model.arpa"
        corpus.write_text("".join(f"{sentence}\n" for sentence in sentences), encoding="utf-8")
        estimate_arpa(lmplz, corpus, None, arpa, EstimateOptions(order=ORDER, memory="1G"))
        arpa.replace(output)


def describe(build: PersonalBuild) -> str:
    """The figures of a build as lines of plain text."""
    ngrams = ", ".join(map(str, build.ngrams))
    lines = [
        f"{build.output}: {build.output.stat().st_size / 1e6:.1f} MB, n-grams of each order: {ngrams}",
        f"{build.sentences} sentences, {build.words} words; {build.unreadable} without a certain reading left out",
        f"estimated by {build.estimator}",
    ]
    if build.fallback:
        orders = ", ".join(map(str, build.fallback))
        lines.append(f"too little text to estimate the discounts of order {orders}: the usual ones were taken")
    return "\n".join(lines)
