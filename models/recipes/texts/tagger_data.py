"""The text of a tagger: labelled words in the order of the texts, cut anywhere, as speech is at a pause.

Some words of a training batch are what a recogniser might have heard instead.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from models.g2p import read_lexicon
from models.model_files import save_tensors, write_atomically
from models.recipes.texts.text_data import LOWER, NO_MARK, OUTSIDE, Labelled, Span, said, sentences, written
from models.tagger import PADDING, Vocabulary

DESCRIPTION, TENSORS = "corpus.json", "corpus.safetensors"
PAIRS = "spans.jsonl"
"""Expressions of the training text as they are said and as they are written, and how often."""

_LISTS = frozenset({"tatoeba-eng"})
"""Sentences in the order of their lengths, which would tell where they end: they are put in another order."""
_LONGEST = 80
"""Words of a piece; one in six has at most five, as the shortest finals do."""
_FROM_SENTENCE = 0.5
"""How often a piece begins with a sentence, as a final does that goes on from nothing; the others begin anywhere."""
_SUBSTITUTED, _DELETED, _INSERTED = 0.03, 0.015, 0.01
_CONFUSABLE, _CONFUSED_WITH, _INSERTABLE = 20_000, 4, 200

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Words in a row: indices of the corpus's words, of their labels (N, 3), and where sentences begin."""

    words: Ints
    labels: Ints
    starts: Ints


@dataclass(frozen=True)
class Corpus:
    """Labelled text.

    words: every distinct one, commonest first. confusions (C, 4): for each of the commonest words what may be heard
    instead, itself where nothing comes near. streams: of a split and source, "train/tatoeba-eng".
    """

    words: tuple[str, ...]
    confusions: Ints
    streams: Mapping[str, Stream]

    def stream(self, split: str) -> Stream:
        """All sources of a split after another."""
        parts = [stream for name, stream in self.streams.items() if name.startswith(f"{split}/")]
        offsets = np.cumsum([0, *(len(part.words) for part in parts)])
        return Stream(
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=False)]),
        )


def prepare(
    sources: Mapping[str, int], held_back: int, data: Path, lexicon: Path, folder: Path, progress: Callable[[str], None]
) -> Corpus:
    """The corpus of so many words of each source, made once and kept in a folder; held_back: words of dev and test.

    Raises OSError where a source or the lexicon cannot be read, ValueError where the folder has another corpus.
    """
    settings = json.dumps([dict(sources), held_back])
    if not (folder / DESCRIPTION).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(sources, held_back, data, lexicon, folder, settings, progress)
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["settings"] != settings:
            raise ValueError("it is of another recipe")
        tensors = {name: tensor.numpy().astype(np.int64) for name, tensor in load_file(folder / TENSORS).items()}
        streams = {
            name: Stream(*(tensors[f"{name}/{part}"] for part in ("words", "labels", "starts")))
            for name in description["streams"]
        }
        return Corpus(tuple(description["words"]), tensors["confusions"], streams)
    except (KeyError, ValueError, OSError, SafetensorError) as error:
        raise ValueError(f"{folder} has no text to go on with ({error}): delete it to make it again") from error


def _write(
    sources: Mapping[str, int], held_back: int, data: Path, lexicon: Path, folder: Path, settings: str,
    progress: Callable[[str], None],
) -> None:  # fmt: skip
    said_so: dict[str, list[list[Labelled]]] = {}
    pairs: Counter[tuple[str, str]] = Counter()
    for name, words in sources.items():
        progress(f"reading {name}")
        for split, amount in (("train", words), ("dev", held_back), ("test", held_back)):
            labelled, choice = [], Random(f"{split}/{name}")
            for parts in sentences(data / f"{name}.txt.xz", split, amount, 1):
                spans = [part for part in parts if isinstance(part, Span)]
                if split == "train":
                    pairs.update((span.spoken, span.written) for span in spans)
                as_written = bool(spans) and choice.random() < 0.4
                labelled.append(list(written(parts) if as_written else said(parts)))
            if name in _LISTS:
                choice.shuffle(labelled)
            said_so[f"{split}/{name}"] = labelled
    counts = Counter(one.word for name in said_so for row in said_so[name] for one in row)
    order = [word for word, _ in counts.most_common()]
    numbers = {word: number for number, word in enumerate(order)}
    tensors = {"confusions": torch.from_numpy(confusions(order[:_CONFUSABLE], read_lexicon(lexicon)))}
    for name, rows in said_so.items():
        tensors |= {f"{name}/{part}": tensor for part, tensor in _tensors(rows, numbers).items()}
    save_tensors(folder / TENSORS, tensors)
    lines = (json.dumps([*pair, count]) for pair, count in pairs.most_common())
    write_atomically(folder / PAIRS, "\n".join(lines).encode())
    description = {"settings": settings, "words": order, "streams": list(said_so)}
    write_atomically(folder / DESCRIPTION, json.dumps(description).encode())


def _tensors(rows: list[list[Labelled]], numbers: Mapping[str, int]) -> dict[str, Tensor]:
    flat = [one for row in rows for one in row]
    starts = np.cumsum([0, *(len(row) for row in rows)])[:-1]
    labels = np.array([(one.mark, one.case, one.span) for one in flat], np.uint8).reshape(-1, 3)
    return {
        "words": torch.tensor([numbers[one.word] for one in flat], dtype=torch.int32),
        "labels": torch.from_numpy(labels),
        "starts": torch.from_numpy(starts.astype(np.int32)),
    }


def confusions(words: list[str], lexicon: Mapping[str, tuple[str, ...]]) -> Ints:
    """For each word up to four others whose pronunciation differs in at most one sound, itself in the places left.

    Two pronunciations that are alike after leaving out a sound of each, or of one, are that near.
    """
    near: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    keys: list[list[tuple[str, ...]]] = []
    for number, word in enumerate(words):
        sounds = tuple(lexicon[word][0].split()) if word in lexicon else ()
        keys.append([sounds, *(sounds[:place] + sounds[place + 1 :] for place in range(len(sounds)))] if sounds else [])
        for key in keys[-1]:
            near[key].append(number)
    table = np.repeat(np.arange(len(words))[:, None], _CONFUSED_WITH, 1)
    for number, found in enumerate(keys):
        others = list(dict.fromkeys(other for key in found if key for other in near[key][:8] if other != number))
        table[number, : len(others)] = others[:_CONFUSED_WITH]
    return table


@dataclass(frozen=True, slots=True)
class TagBatch:
    """Rows of words (B, T, FEATURES), PADDING after the end; labels of every head (B, T, 3), -100 there."""

    words: Tensor
    labels: Tensor


class TagBatches:
    """Batches of about so many words, of pieces of text of one length; which ones depends on seed and step alone."""

    def __init__(self, corpus: Corpus, vocabulary: Vocabulary, size: int, seed: int) -> None:
        self._stream, self._confusions = corpus.stream("train"), corpus.confusions
        if not len(self._stream.starts):
            raise ValueError("there are no sentences to train on")
        self._rows = np.array([vocabulary.rows(word) for word in corpus.words])
        self._size, self._seed = size, seed

    def of_step(self, step: int) -> TagBatch:
        """The batch of a step."""
        random = np.random.default_rng([self._seed, step])
        length = 1 + int(_LONGEST * random.random() ** 1.5)
        pieces = [self._piece(length, random) for _ in range(self._size // length)]
        return tag_batch([(self._rows[words], labels) for words, labels in pieces])

    def _piece(self, length: int, random: np.random.Generator) -> tuple[Ints, Ints]:
        """So many words in a row; where they end tells nothing of where their sentences do."""
        stream = self._stream
        begin = int(random.integers(max(1, len(stream.words) - length + 1)))
        if random.random() < _FROM_SENTENCE:
            begin = int(stream.starts[random.integers(len(stream.starts))])
        words, labels = stream.words[begin : begin + length], stream.labels[begin : begin + length]
        return self._misheard(words, labels, random) if random.random() < 0.5 else (words, labels)

    def _misheard(self, words: Ints, labels: Ints, random: np.random.Generator) -> tuple[Ints, Ints]:
        """Some words heard as others, left out, or made up; a mark stays after the word before."""
        words, labels = words.copy(), labels.copy()
        changed = (random.random(len(words)) < _SUBSTITUTED) & (words < len(self._confusions))
        words[changed] = self._confusions[words[changed], random.integers(_CONFUSED_WITH, size=changed.sum())]
        lost = random.random(len(words)) < _DELETED
        for place in np.flatnonzero(lost[1:]) + 1:
            labels[place - 1, 0] = max(labels[place - 1, 0], labels[place, 0])
        if not lost.all():
            words, labels = words[~lost], labels[~lost]
        places = np.flatnonzero(random.random(len(words)) < _INSERTED)
        added = random.integers(_INSERTABLE, size=len(places))
        words = np.insert(words, places, added % len(self._rows))
        return words, np.insert(labels, places, np.array([NO_MARK, LOWER, OUTSIDE]), 0)


def tag_batch(pieces: Iterable[tuple[Ints, Ints]]) -> TagBatch:
    """Pieces of rows (T, FEATURES) and labels (T, 3) as a batch."""
    rows, labels = zip(*((torch.from_numpy(row), torch.from_numpy(label)) for row, label in pieces), strict=True)
    pad = torch.nn.utils.rnn.pad_sequence
    return TagBatch(pad(list(rows), True, PADDING), pad(list(labels), True, -100))
