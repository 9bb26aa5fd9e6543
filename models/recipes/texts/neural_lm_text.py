"""The text of a neural language model: that of an n-gram's recipe, as word pieces, so that the two can be compared.

What is held back, left out, repeated and thinned out is what decoder.lm_text makes of the n-gram's recipe.
"""

import json
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from decoder.lm_recipe import Recipe
from decoder.lm_text import choose_vocabulary, exclusion, read_sources, transcripts, write_training
from models.model_files import save_tensors, write_atomically
from models.word_pieces import BOUNDARY, WordPieces, learn_pieces

DESCRIPTION, TOKENS = "text.json", "text.safetensors"

IGNORED = -100
"""The target that pads a sentence; cross_entropy leaves it out."""

MOST_PIECES = 2**15 - 1
"""A text is kept in 16 bits a piece."""

_NOISE_TOKENS = 1.5
"""Sentences are put in batches by their length and this much chance, lest the same ones always meet."""


@dataclass(frozen=True)
class Text:
    """Training sentences as pieces, and sentences to measure on.

    tokens: (N,) of all sentences. starts: (S + 1,), where in them each begins, and their end. words: those that the
    n-gram knows. held_back, dev: sentences of each source, and of the dev split of each corpus.
    """

    pieces: WordPieces
    words: frozenset[str]
    tokens: npt.NDArray[np.int16]
    starts: npt.NDArray[np.int64]
    held_back: Mapping[str, list[str]]
    dev: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Sentences: BOUNDARY and their pieces (B, T), and what comes after each of them (B, T), IGNORED at the end."""

    inputs: Tensor
    targets: Tensor


def prepare(recipe: Recipe, size: int, data: Path, folder: Path, progress: Callable[[str], None]) -> Text:
    """The text of an n-gram's recipe in at most `size` pieces, made once and kept in a folder.

    Raises OSError where a source cannot be read, ValueError where the folder's text is of another recipe.
    """
    if not (folder / DESCRIPTION).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(recipe, size, data, folder, progress)
    return _load(folder, _settings(recipe, size))


def _write(recipe: Recipe, size: int, data: Path, folder: Path, progress: Callable[[str], None]) -> None:
    kept_out = exclusion(recipe.exclude, data)
    with tempfile.TemporaryDirectory(prefix="asr-lm-") as temporary:
        work = Path(temporary)
        texts = read_sources(recipe, data, work, kept_out, progress)
        vocabulary = choose_vocabulary(texts, recipe)
        progress(f"learning {size} word pieces")
        pieces = learn_pieces(vocabulary, size)
        progress("spelling the text")
        corpus = work / "corpus.txt"
        write_training(texts, recipe, vocabulary, kept_out, corpus)
        with corpus.open() as lines:
            save_tensors(folder / TOKENS, _spelled(lines, pieces))
        held_back = {text.name: text.held_back.read_text().splitlines() for text in texts}
    description = {
        "settings": _settings(recipe, size),
        "pieces": pieces.pieces,
        "words": list(vocabulary),
        "held_back": {name: sentences for name, sentences in held_back.items() if sentences},
        "dev": {
            Path(pattern).parent.name: list(transcripts(data, pattern, [recipe.evaluate.split]))
            for pattern in recipe.evaluate.manifests
        },
    }
    write_atomically(folder / DESCRIPTION, json.dumps(description, ensure_ascii=False).encode())


def _spelled(sentences: Iterator[str], pieces: WordPieces) -> dict[str, Tensor]:
    tokens, starts = array("h"), array("q", [0])
    for sentence in sentences:
        tokens.extend(pieces.encode(sentence))
        starts.append(len(tokens))
    return {"tokens": torch.from_numpy(np.array(tokens)), "starts": torch.from_numpy(np.array(starts))}


def _load(folder: Path, settings: str) -> Text:
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        if description["settings"] != settings:
            raise ValueError("it is of another recipe")
        tensors = load_file(folder / TOKENS)
        tokens, starts = tensors["tokens"].numpy(), tensors["starts"].numpy()
        pieces, words = WordPieces(description["pieces"]), frozenset(description["words"])
        return Text(pieces, words, tokens, starts, description["held_back"], description["dev"])
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        raise ValueError(f"{folder} has no text to go on with ({error}): delete it to make it again") from error


def _settings(recipe: Recipe, size: int) -> str:
    """What decides a text, so that another recipe's is not taken for it."""
    return f"{size} pieces of {recipe}"


class Batches:
    """Batches of about `tokens` pieces, in an order that depends on the seed alone; each epoch has its own."""

    def __init__(self, text: Text, tokens: int, seed: int) -> None:
        if len(text.starts) < 2:
            raise ValueError("there are no sentences to train on")
        self._text, self._seed = text, seed
        self._lengths = np.diff(text.starts) + 1  # BOUNDARY
        self._cuts = _cuts(np.sort(self._lengths), tokens)
        self._epoch = -1
        self._sentences: list[npt.NDArray[np.intp]] = []

    def __len__(self) -> int:
        """How many there are in an epoch."""
        return len(self._cuts) + 1

    def of_step(self, step: int) -> TokenBatch:
        """The batch of a step, in main memory."""
        epoch, place = divmod(step, len(self))
        if epoch != self._epoch:
            random = np.random.default_rng([self._seed, epoch])
            order = np.argsort(self._lengths + random.uniform(0, _NOISE_TOKENS, len(self._lengths)))
            batches = np.split(order, self._cuts)
            self._epoch, self._sentences = epoch, [batches[one] for one in random.permutation(len(batches))]
        return self._made(self._sentences[place])

    def _made(self, sentences: npt.NDArray[np.intp]) -> TokenBatch:
        starts = self._text.starts
        parts = [self._text.tokens[starts[one] : starts[one + 1]].tolist() for one in sentences]
        return token_batch(parts)


def _cuts(lengths: npt.NDArray[np.int64], tokens: int) -> list[int]:
    """Where batches of sentences of these lengths, sorted, begin, but for the first."""
    cuts = [0]
    while (start := cuts[-1]) < len(lengths):
        last = min(start + tokens // int(lengths[start]), len(lengths)) - 1
        cuts.append(start + max(1, tokens // int(lengths[max(start, last)])))
    return cuts[1:-1]


def token_batch(sentences: list[list[int]]) -> TokenBatch:
    """Sentences of pieces as a batch."""
    inputs = [torch.tensor([BOUNDARY, *one]) for one in sentences]
    targets = [torch.tensor([*one, BOUNDARY]) for one in sentences]
    pad: Any = torch.nn.utils.rnn.pad_sequence
    return TokenBatch(pad(inputs, True, BOUNDARY), pad(targets, True, IGNORED))
