"""Hotwords: how many are found among how many entries, what they cost where nobody says them, and the time they take.

python tests/bench/hotwords.py [--weights 4 6 8]      (needs ../shared/speech; dev splits)

An utterance's rare words are its hotwords, among distractors that are drawn from the rare words of the lexicon. Every
utterance is decoded once more with distractors only: the words that nobody said, and the word error rate, are the cost.
Prints a JSON line a run.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from measure import SHARED_SPEECH, record

from asr_app.audio.file import read_audio
from asr_app.library.models import DEFAULT_MODEL, find_model
from asr_app.options import RecognizerOptions, hotword_weight
from asr_app.recognizer import Recognizer
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import ErrorCounts, word_errors
from decoder.normalize import normalize
from decoder.types import LogProbs
from models.recipes.data.manifest import read_manifests

SIZES = (0, 10, 100, 1000, 10_000)
RARE_LOG_PROB = -9.0
"""A word is rare whose unigram probability is below: 123 in a million words, names and what is not said daily."""

CORPORA = ("librispeech_bits", "speechocean762")
"""What has dev splits and rare words."""


@dataclass(frozen=True, slots=True)
class Probe:
    """An utterance's words, its log-probabilities (T, V), and its rare words."""

    words: list[str]
    log_probs: LogProbs
    rare: list[str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--weights", nargs="+", type=float, help="in place of the default, which depends on the entries"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recognizer = Recognizer.load(find_model(DEFAULT_MODEL), RecognizerOptions(device="cpu"))
    decoder = recognizer.decoder
    assert isinstance(decoder, LexiconBeamDecoder)
    rare = rare_words(decoder)
    spoken = list(probes(recognizer, frozenset(rare)))
    for size in SIZES:
        for weight in arguments.weights or [hotword_weight(size)]:
            figures = measure(decoder, spoken, rare, size, weight)
            record("hotwords", {"entries": size, "weight": weight, **figures})
    record("hotwords, seconds of processor beside none", seconds(decoder, spoken[:60], rare))


def rare_words(decoder: LexiconBeamDecoder) -> list[str]:
    """The words of the lexicon that are rare in the language model."""
    assert decoder.lm is not None
    words = decoder.lexicon.words
    return [word for word, p in zip(words, decoder.lm.unigrams(words), strict=True) if p < RARE_LOG_PROB]


def probes(recognizer: Recognizer, rare: frozenset[str]) -> Iterator[Probe]:
    """The utterances of the dev splits."""
    for utterance in read_manifests([SHARED_SPEECH / corpus / "manifest.jsonl" for corpus in CORPORA], "dev"):
        words = (normalize(utterance.text or "") or "").split()
        log_probs = recognizer.log_probs(read_audio(utterance.audio, recognizer.sample_rate))
        yield Probe(words, log_probs, [word for word in words if word in rare])


def measure(
    decoder: LexiconBeamDecoder, spoken: list[Probe], rare: list[str], size: int, weight: float
) -> dict[str, object]:
    """Recall and WER where each utterance's rare words are hotwords; WER of all where only distractors are."""
    spoken_words = {word for one in spoken for word in one.words}
    unsaid = [word for word in rare if word not in spoken_words]
    random.Random(size).shuffle(unsaid)
    expected, biased = ErrorCounts(), ErrorCounts()
    said, found, false = 0, 0, 0
    nobody_says, others = decoder.with_hotwords(dict.fromkeys(unsaid[:size], weight)), frozenset(unsaid[:size])
    for one in spoken:
        if one.rare:
            own = sorted(set(one.rare))[:size]
            entries = [*own, *unsaid[: size - len(own)]]
            words = decode(decoder.with_hotwords(dict.fromkeys(entries, weight)), one.log_probs)
            expected += word_errors(" ".join(one.words), " ".join(words))
            said += len(one.rare)
            found += (Counter(one.rare) & Counter(words)).total()
        words = decode(nobody_says, one.log_probs)
        biased += word_errors(" ".join(one.words), " ".join(words))
        false += sum(word in others for word in words)
    return {
        "hotwords_said": said,
        "recall": round(100 * found / max(1, said), 1),
        "wer": round(100 * expected.rate, 2),
        "wer_of_all_with_distractors": round(100 * biased.rate, 2),
        "words": biased.reference_length,
        "false_hotwords": false,
    }


def decode(decoder: LexiconBeamDecoder, log_probs: LogProbs) -> list[str]:
    """The words of an utterance."""
    session = decoder.session()
    session.accept(log_probs)
    return session.finish().text.split()


def seconds(decoder: LexiconBeamDecoder, spoken: list[Probe], rare: list[str]) -> dict[str, object]:
    """Processor seconds with each size beside none: the least of five turns, the sizes taken in turn."""
    chance = random.Random(1)
    decoders = {
        size: decoder.with_hotwords(dict.fromkeys(chance.sample(rare, size), hotword_weight(size))) for size in SIZES
    }
    least = dict.fromkeys(SIZES, np.inf)
    for _ in range(5):
        for size, one in decoders.items():
            started = time.process_time()
            for probe in spoken:
                decode(one, probe.log_probs)
            least[size] = min(least[size], time.process_time() - started)
    return {str(size): round(spent / least[0], 3) for size, spent in least.items()}


if __name__ == "__main__":
    main()
