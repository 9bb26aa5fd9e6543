"""Language-model weight and word bonus by search on a dev set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from asr_app.audio.file import read_audio
from asr_app.errors import ConfigError
from asr_app.recognizer import Recognizer
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import ErrorCounts, word_errors
from decoder.normalize import normalize
from decoder.types import LogProbs
from models.recipes.manifest import Utterance


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting and its word error rates in per cent: the mean over the corpora, and each."""

    alpha: float
    beta: float
    wer: float
    corpora: dict[str, float]


def tune(
    recognizer: Recognizer, utterances: Sequence[Utterance], alphas: Sequence[float], betas: Sequence[float]
) -> Iterator[Trial]:
    """Decode the same log-probabilities with every pair of weights; a corpus is a folder of recordings.

    The mean over corpora, not over words, decides: a large corpus shall not drown the others.
    """
    if not isinstance(recognizer.decoder, LexiconBeamDecoder):
        raise ConfigError("only the search through the lexicon can be tuned: leave the decoder at beam")
    heard = [(one, recognizer.log_probs(read_audio(one.audio, recognizer.sample_rate))) for one in utterances]
    for alpha in alphas:
        for beta in betas:
            options = replace(recognizer.decoder.options, alpha=alpha, beta=beta)
            rates = _error_rates(recognizer.decoder.with_options(options), heard)
            yield Trial(alpha, beta, float(np.mean(list(rates.values()))), rates)


def _error_rates(decoder: LexiconBeamDecoder, heard: list[tuple[Utterance, LogProbs]]) -> dict[str, float]:
    errors: dict[str, ErrorCounts] = {}
    for utterance, log_probs in heard:
        session = decoder.session()
        session.accept(log_probs)
        counts = word_errors(normalize(utterance.text or "") or "", session.finish().text)
        corpus = utterance.corpus
        errors[corpus] = errors.get(corpus, ErrorCounts()) + counts
    return {corpus: 100 * counts.rate for corpus, counts in errors.items()}
