"""The text of a language model: normalised, without test transcripts, divided into training and held-back."""

import gzip
import json
import lzma
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase
from typing import TextIO

from decoder.lm_recipe import ExcludeOptions, Generated, Recipe, Source, TextOptions
from decoder.normalize import normalize
from decoder.number_words import cardinal

Progress = Callable[[str], None]
DIGITS = tuple(cardinal(digit) for digit in range(10))
ALWAYS_KNOWN = (*ascii_lowercase, *DIGITS, "oh")
_SPELLED_RANKS = slice(300, 30_000)
"""Which words by frequency are spelled out: names and content words, not the commonest."""


@dataclass(slots=True)
class SourceText:
    """The normalised sentences of one source, in two files."""

    name: str
    model: str
    weight: float
    training: Path
    held_back: Path
    counts: Counter[str] = field(default_factory=Counter)
    sentences: int = 0
    unreadable: int = 0
    excluded: int = 0


class Exclusion:
    """Finds sentences that give away a transcript that is used for evaluation."""

    def __init__(self, transcripts: Iterable[str], shared_words: int) -> None:
        self._shared_words = shared_words
        self._sentences: set[str] = set()
        self._runs: set[tuple[str, ...]] = set()
        for transcript in transcripts:
            self._sentences.add(transcript)
            self._runs.update(self._runs_of(transcript.split()))

    def _runs_of(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        return zip(*(words[start:] for start in range(self._shared_words)), strict=False)

    def hits(self, sentence: str) -> bool:
        """Whether a normalised sentence equals a transcript or shares a long run of words with one."""
        return sentence in self._sentences or not self._runs.isdisjoint(self._runs_of(sentence.split()))

    def shared(self, words: Sequence[str]) -> int:
        """How many different long runs of words a text shares with the transcripts."""
        return len(self._runs.intersection(self._runs_of(words)))


def find(data_folder: Path, pattern: str) -> list[Path]:
    """The files of a relative path that may hold `*`, sorted; FileNotFoundError where there is none."""
    found = sorted(data_folder.glob(pattern))
    if not found:
        raise FileNotFoundError(f"{data_folder / pattern} is not there; is the data folder the right one?")
    return found


def transcripts(data_folder: Path, pattern: str, splits: Iterable[str]) -> Iterator[str]:
    """The normalised transcripts of some splits of the manifests that match a pattern."""
    wanted = set(splits)
    for path in find(data_folder, pattern):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text = normalize(row.get("text") or "") if row.get("split") in wanted else None
            if text:
                yield text


def exclusion(options: ExcludeOptions, data_folder: Path) -> Exclusion:
    """The exclusion of a recipe."""
    texts = (text for pattern in options.manifests for text in transcripts(data_folder, pattern, options.splits))
    return Exclusion(texts, options.shared_words)


def _lines(path: Path) -> Iterator[str]:
    openers: dict[str, Callable[..., TextIO]] = {".xz": lzma.open, ".gz": gzip.open}
    try:
        with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as file:
            yield from file
    except (lzma.LZMAError, EOFError) as error:
        raise OSError(f"{path} is damaged: {error}") from error


def sentences_of(source: Source, data_folder: Path) -> Iterator[str | None]:
    """The normalised sentences of a source in order; None where a sentence has no normal form."""
    if source.split:
        yield from dict.fromkeys(transcripts(data_folder, source.path, [source.split]))
    else:
        for path in find(data_folder, source.path):
            yield from map(normalize, _lines(path))


def is_held_back(line: int, options: TextOptions) -> bool:
    """Whether the line of this number (from 0) of a source is kept out of training."""
    return (line // options.block_lines) % options.held_back_every == options.held_back_every - 1


def _read_source(
    source: Source, data_folder: Path, work: Path, options: TextOptions, kept_out: Exclusion
) -> SourceText:
    text = SourceText(
        source.name, source.model, source.weight, work / f"{source.name}.train", work / f"{source.name}.held"
    )
    with text.training.open("w") as training, text.held_back.open("w") as held_back:
        for line, sentence in enumerate(sentences_of(source, data_folder)):
            if sentence is None:
                text.unreadable += 1
            elif kept_out.hits(sentence):
                text.excluded += 1
            elif not source.split and is_held_back(line, options):
                held_back.write(f"{sentence}\n")
            else:
                training.write(f"{sentence}\n")
                text.counts.update(sentence.split())
                text.sentences += 1
    return text


def read_sources(
    recipe: Recipe, data_folder: Path, work: Path, kept_out: Exclusion, progress: Progress
) -> list[SourceText]:
    """Normalise all sources into files under `work`; OSError or ValueError where one cannot be read."""
    texts = []
    for source in recipe.sources:
        progress(f"reading {source.name}")
        texts.append(_read_source(source, data_folder, work, recipe.text, kept_out))
    return texts


def choose_vocabulary(texts: list[SourceText], recipe: Recipe) -> dict[str, int]:
    """The most frequent words with their weighted counts, commonest first; it has all letters and digits."""
    weights = {source.name: source.vocabulary_weight for source in recipe.sources}
    counts: Counter[str] = Counter(dict.fromkeys(ALWAYS_KNOWN, 0))
    for text in texts:
        for word, count in text.counts.items():
            counts[word] += count * weights[text.name]  # type: ignore[assignment]
    ranked = sorted(counts, key=lambda word: (word not in ALWAYS_KNOWN, -counts[word], word))
    chosen = sorted(ranked[: recipe.estimate.vocabulary], key=lambda word: (-counts[word], word))
    return {word: max(1, round(counts[word])) for word in chosen}


def generate(options: Generated, vocabulary: Iterable[str]) -> Iterator[str]:
    """Made-up sentences: digit strings of 1 to 11 digits, or words spelled letter by letter."""
    draw = random.Random(options.seed)
    if options.kind == "digits":
        for _ in range(options.sentences):
            zero = "oh" if draw.random() < 0.2 else "zero"
            chosen = draw.choices([zero, *DIGITS[1:]], k=draw.randint(1, 11))
            yield " ".join(chosen)
    else:
        words = [word for word in vocabulary if word.isalpha() and len(word) > 2]
        for word in draw.choices(words[_SPELLED_RANKS] or words, k=options.sentences):
            yield " ".join(word)


def _share(lines: Iterable[str], weight: float, block_lines: int) -> Iterator[str]:
    """The lines of the blocks that a weight below one takes."""
    for number, line in enumerate(lines):
        block = number // block_lines
        if int((block + 1) * weight) > int(block * weight):
            yield line


def write_training(
    texts: list[SourceText], recipe: Recipe, vocabulary: Iterable[str], kept_out: Exclusion, corpus: Path
) -> None:
    """One file with every source as often as its weight says, then letters, digits and generated text."""
    with corpus.open("w") as out:
        for text in texts:
            whole, part = int(text.weight), text.weight % 1
            for weight in [1.0] * whole + [part] * (part > 0):
                with text.training.open() as lines:
                    out.writelines(lines if weight == 1.0 else _share(lines, weight, recipe.text.block_lines))
        # lmplz knows only the words that it meets.
        out.writelines(f"{word}\n" for word in ALWAYS_KNOWN)
        words = list(vocabulary)
        for options in recipe.generated:
            for sentence in generate(options, words):
                if not kept_out.hits(sentence):
                    out.write(f"{sentence}\n")
