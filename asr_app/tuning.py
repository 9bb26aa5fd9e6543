"""Language-model weight, word bonus and the calibration of confidences from a dev set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from asr_app.audio.file import read_audio
from asr_app.errors import ConfigError
from asr_app.recognizer import Recognizer
from decoder.character_beam import CharacterBeamDecoder
from decoder.confidence import Calibration, fit
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import ErrorCounts, matching_words, word_errors
from decoder.normalize import normalize
from decoder.types import Hypothesis, LogProbs
from models.recipes.manifest import Utterance


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting and its word error rates in per cent: the mean over the corpora, and each."""

    alpha: float
    beta: float
    wer: float
    corpora: dict[str, float]


Heard = list[tuple[Utterance, LogProbs]]
"""Recordings and what the encoder makes of them, so that every setting decodes the same."""

Search = LexiconBeamDecoder | CharacterBeamDecoder


def hear(recognizer: Recognizer, utterances: Sequence[Utterance]) -> tuple[Search, Heard]:
    """The decoder to tune, and its input for every utterance."""
    if not isinstance(recognizer.decoder, Search):
        raise ConfigError("greedy decoding has nothing to tune: choose --decoder beam or characters")
    heard = [(one, recognizer.log_probs(read_audio(one.audio, recognizer.sample_rate))) for one in utterances]
    return recognizer.decoder, heard


def tune(decoder: Search, heard: Heard, alphas: Sequence[float], betas: Sequence[float]) -> Iterator[Trial]:
    """Decode with every pair of weights; a corpus is a folder of recordings.

    The mean over corpora, not over words, decides: a large corpus shall not drown the others.
    """
    for alpha in alphas:
        for beta in betas:
            rates = _error_rates(decoder.with_weights(alpha, beta), heard)
            yield Trial(alpha, beta, float(np.mean(list(rates.values()))), rates)


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
