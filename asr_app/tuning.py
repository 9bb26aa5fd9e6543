"""The decoder's weights and the calibration of confidences from a dev set."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from asr_app.audio.file import read_audio
from asr_app.errors import ConfigError
from asr_app.recognizer import Recognizer
from decoder.acoustic_scores import label_priors
from decoder.character_beam import CharacterBeamDecoder
from decoder.confidence import Calibration, fit
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import ErrorCounts, matching_words, word_errors
from decoder.normalize import normalize
from decoder.types import Hypothesis, LogProbs
from models.recipes.data.manifest import Utterance


@dataclass(frozen=True, slots=True)
class Weights:
    """What is tuned: the language model's weight, the word bonus, and how much of the labels' priors is taken off."""

    alpha: float
    beta: float
    prior_scale: float


@dataclass(frozen=True, slots=True)
class Trial:
    """Weights and their word error rates in per cent: the mean over the corpora, and each."""

    weights: Weights
    wer: float
    corpora: dict[str, float]


Heard = list[tuple[Utterance, LogProbs]]
"""Recordings and what the encoder makes of them, so that all weights decode the same."""

Search = LexiconBeamDecoder | CharacterBeamDecoder


def hear(recognizer: Recognizer, utterances: Sequence[Utterance]) -> tuple[Search, Heard]:
    """The decoder to tune, with the labels' priors on these utterances, and its input for every utterance."""
    decoder = recognizer.decoder
    if not isinstance(decoder, Search):
        raise ConfigError("greedy decoding has nothing to tune: choose --decoder beam or characters")
    heard = [(one, recognizer.log_probs(read_audio(one.audio, recognizer.sample_rate))) for one in utterances]
    corpora: dict[str, list[LogProbs]] = {}
    for utterance, log_probs in heard:
        corpora.setdefault(utterance.corpus, []).append(log_probs)
    return _with(decoder, label_priors=label_priors(list(corpora.values()))), heard


def weighted(decoder: Search, weights: Weights) -> Search:
    """The decoder with other weights."""
    return _with(decoder, **asdict(weights))


def tune(decoder: Search, heard: Heard, grid: Iterable[Weights]) -> Iterator[Trial]:
    """Decode with all weights of a grid; a corpus is a folder of recordings.

    The mean over corpora, not over words, decides: a large corpus shall not drown the others.
    """
    for weights in grid:
        rates = _error_rates(weighted(decoder, weights), heard)
        yield Trial(weights, float(np.mean(list(rates.values()))), rates)


def calibrate(decoder: Search, heard: Heard) -> Calibration:
    """The calibration of the decoder's confidences; ValueError where all its words are right, or all wrong."""
    shares, right = [], []
    for utterance, log_probs in heard:
        words = _decode(decoder, log_probs).words
        pairs = matching_words((normalize(utterance.text or "") or "").split(), [word.text for word in words])
        matched = {mine for _, mine in pairs}
        shares += [word.confidence for word in words]
        right += [place in matched for place in range(len(words))]
    return fit(shares, right)


def _with(decoder: Search, **changes: Any) -> Search:
    if isinstance(decoder, LexiconBeamDecoder):
        return decoder.with_options(replace(decoder.options, **changes))
    return decoder.with_options(replace(decoder.options, **changes))


def _decode(decoder: Search, log_probs: LogProbs) -> Hypothesis:
    session = decoder.session()
    session.accept(log_probs)
    return session.finish()


def _error_rates(decoder: Search, heard: Heard) -> dict[str, float]:
    errors: dict[str, ErrorCounts] = {}
    for utterance, log_probs in heard:
        counts = word_errors(normalize(utterance.text or "") or "", _decode(decoder, log_probs).text)
        errors[utterance.corpus] = errors.get(utterance.corpus, ErrorCounts()) + counts
    return {corpus: 100 * counts.rate for corpus, counts in errors.items()}
