"""What a recipe trains on: samples with labels and targets, from the stores that prepare wrote."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.ctc import Head
from models.recipes.data.augment import LogMel
from models.recipes.data.batches import Labels, Sample
from models.recipes.data.features import Store
from models.recipes.data.lexicon import read_lexicon
from models.recipes.data.phonemes import PHONEMES, Pronunciation, lexicon
from models.recipes.file_errors import naming
from models.recipes.recipe import Recipe

BLANK_LABEL = "<blank>"
WORD_DELIMITER = "|"
CHARACTERS = (WORD_DELIMITER, "'", *"abcdefghijklmnopqrstuvwxyz")
HEADS = (Head("phonemes", (BLANK_LABEL, *PHONEMES)), Head("characters", (BLANK_LABEL, *CHARACTERS)))
DELIMITERS = {"characters": HEADS[1].labels.index(WORD_DELIMITER)}
"""The label between two words, of the head that has one."""


class Labeller:
    """Transcripts to label indices of both heads, blank first.

    pronunciations: a lexicon file, where words are not to be said by espeak-ng.
    """

    def __init__(self, texts: list[str], pronunciations: Path | None = None) -> None:
        words = sorted({word for text in texts for word in text.split()})
        said = lexicon(words) if pronunciations is None else read_lexicon(pronunciations)
        self._pronunciations: dict[str, tuple[Pronunciation, ...]] = said
        self._phoneme = {label: index for index, label in enumerate(HEADS[0].labels)}
        self._character = {label: index for index, label in enumerate(HEADS[1].labels)}

    def labels(self, text: str) -> dict[str, Labels] | None:
        """Labels of each head; None where a word has no pronunciation or a letter is unknown."""
        pronunciations = [self._pronunciations.get(word, ()) for word in text.split()]
        letters = WORD_DELIMITER.join(text.split())
        if not all(pronunciations) or not letters or any(letter not in self._character for letter in letters):
            return None
        sounds = [self._phoneme[sound] for said in pronunciations for sound in said[0]]
        return {
            "phonemes": np.array(sounds),
            "characters": np.array([self._character[letter] for letter in letters]),
        }


def read_transcripts(paths: list[Path]) -> dict[str, str]:
    """Key (without speed) to text, from JSON-lines files; ValueError names one that is of another kind."""
    texts: dict[str, str] = {}
    for path in paths:
        with naming(path), path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if not isinstance(row["text"], str):
                    raise TypeError(f"the text is {row['text']!r}")
                texts[row["key"]] = row["text"]
    return texts


def training_samples(recipe: Recipe, data: Path) -> list[Sample]:
    """All samples of a recipe, with the teacher's targets where there are any."""
    targets = {
        entry.key: (store, entry)
        for store in (Store(data / name) for name in recipe.teacher_stores)
        for entry in store.entries
    }
    transcripts = read_transcripts([data / name for name in recipe.transcripts])
    stores = [Store(data / name) for name in recipe.stores]
    texts = {
        entry.key: entry.text if entry.text is not None else transcripts.get(entry.key.rsplit("@", 1)[0])
        for store in stores
        for entry in store.entries
    }
    labeller = Labeller([text for text in texts.values() if text], _lexicon(recipe, data))
    samples = _nonspeech_samples(recipe, data)
    for store in stores:
        for entry in store.entries:
            labels = labeller.labels(texts[entry.key] or "")
            heard = targets.get(re.sub(r"~\d+$", "", entry.key))  # a distorted take has the targets of the clean one
            if labels is not None or heard is not None or recipe.distillation is not None:
                samples.append(Sample(entry, store, heard, labels, weight_of(entry.key, recipe.weights)))
    return samples


def _lexicon(recipe: Recipe, data: Path) -> Path | None:
    return data / recipe.lexicon if recipe.lexicon else None


def _nonspeech_samples(recipe: Recipe, data: Path) -> list[Sample]:
    """Recordings without speech: their transcript is known, and empty."""
    stores = [Store(data / name) for name in recipe.nonspeech_stores]
    nothing = {head.name: np.zeros(0, np.int64) for head in HEADS}
    return [
        Sample(entry, store, None, nothing, weight_of(entry.key, recipe.weights))
        for store in stores
        for entry in store.entries
    ]


def noises(recipe: Recipe, data: Path) -> list[LogMel]:
    """The recordings of noise that a recipe mixes into speech: log-mel frames (T, F)."""
    return [store.log_mel(one) for store in (Store(data / n) for n in recipe.noise_stores) for one in store.entries]


def dev_samples(recipe: Recipe, data: Path) -> list[Sample]:
    """The dev utterances that have labels."""
    entries = [(store, entry) for store in (Store(data / n) for n in recipe.dev_stores) for entry in store.entries]
    labeller = Labeller([entry.text or "" for _, entry in entries], _lexicon(recipe, data))
    labelled = [(store, entry, labeller.labels(entry.text or "")) for store, entry in entries]
    return [Sample(entry, store, None, labels, 1.0) for store, entry, labels in labelled if labels is not None]


def weight_of(key: str, weights: Mapping[str, float]) -> float:
    """How often an utterance is heard in an epoch: what the longest beginning of its key says, else once."""
    matches = [prefix for prefix in weights if key.startswith(prefix)]
    return weights[max(matches, key=len)] if matches else 1.0
