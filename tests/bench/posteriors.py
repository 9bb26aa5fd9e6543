"""What the benchmarks of decoders are fed: log-probabilities of speech, three made cases, pronunciations."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from measure import SHARED_SPEECH

from asr_app.audio.file import read_audio
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.options import DecoderName, RecognizerOptions
from asr_app.recognizer import Recognizer
from decoder.lexicon import Lexicon
from decoder.types import LogProbs
from models.recipes.data.manifest import Utterance, read_manifests

CORPORA = {
    "dev": ("librispeech_bits", "speechocean762", "alphanumeric", "fsdd"),
    "test": ("librispeech_bits", "cmu_arctic", "kathleen", "speechocean762", "alphanumeric", "fsdd"),
}
"""What has recordings in a split."""
MADE_LABELS = ("", " ", "'", *"abcdefghijklmnopqrstuvwxyz", "1", "2", "3")
"""32 labels, as in the made cases; the last three are in no word."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Recordings, their log-probabilities (T, V), and the recogniser that they are of."""

    recognizer: Recognizer
    utterances: list[Utterance]
    log_probs: list[LogProbs]


def heard(decoder: DecoderName, chunk_ms: int | None = 640, each: int | None = None, split: str = "dev") -> Speech:
    """The log-probabilities of a split for a decoder, of so many recordings of each corpus; None takes all."""
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(chunk_ms, decoder, device="cpu"))
    utterances = [one for corpus in CORPORA[split] for one in _utterances(corpus, split)[:each]]
    samples = (read_audio(one.audio, recognizer.sample_rate) for one in utterances)
    return Speech(recognizer, utterances, [recognizer.log_probs(audio) for audio in samples])


def _utterances(corpus: str, split: str) -> list[Utterance]:
    return read_manifests([SHARED_SPEECH / corpus / "manifest.jsonl"], split)


def made(case: str, words: Sequence[str], frames: int = 1000) -> LogProbs:
    """(frames, 32): words spelled out beyond doubt ("clean"), with four rivals in each frame ("noisy"), or nothing.

    "uniform" is noise around equal probabilities.
    """
    random = np.random.default_rng(0)
    probs = np.full((frames, len(MADE_LABELS)), 1e-4)
    if case == "uniform":
        probs = np.exp(random.normal(0.0, 0.1, probs.shape))
    else:
        path = _spelled(words, frames, random)
        probs[np.arange(frames), path] = 1.0
        if case == "noisy":
            for frame in probs:
                frame[random.choice(len(frame), 4, replace=False)] += random.uniform(0.5, 1.0, 4)
    return np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)


def _spelled(words: Sequence[str], frames: int, random: np.random.Generator) -> list[int]:
    """Label indices (frames,) of words in a random order, a blank before each letter."""
    path: list[int] = []
    while len(path) < frames:
        for letter in f"{words[int(random.integers(len(words)))]} ":
            path += [0, MADE_LABELS.index(letter)]
    return path[:frames]


def pronunciations_of(lexicon: Lexicon) -> dict[str, list[list[int]]]:
    """The label sequences of each word."""
    spelled: dict[str, list[list[int]]] = defaultdict(list)
    ends = np.repeat(np.arange(lexicon.nodes), np.diff(lexicon.word_offset))
    for node, word in zip(ends.tolist(), lexicon.word_ids.tolist(), strict=True):
        labels: list[int] = []
        while node:
            labels.append(int(lexicon.label[node]))
            node = int(lexicon.parent[node])
        spelled[lexicon.words[word]].append(labels[::-1])
    return spelled
