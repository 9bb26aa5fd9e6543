"""What the second pass is worth: word errors of dev speech with and without it, and the time that it costs.

python tests/bench/rescoring.py LM [--nbest 8 16 32] [--shares 0.2 0.4 0.6]      (needs ../shared/speech)

LM is a folder that `asr lm train` wrote. One JSON line a corpus and length of the n-best: per cent of word errors of
the first pass, of the best among the n (the oracle), and after rescoring at each share of the neural model.
One more with the milliseconds of processor a final, on one thread.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from measure import record
from posteriors import Speech, heard

from asr_app.rescoring import Rescorer, Weights
from decoder.beam_session import BeamSession
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import ErrorCounts, word_errors
from decoder.normalize import normalize
from decoder.types import Hypothesis
from models.lm import NeuralLm, load_neural_lm

CHUNK_FRAMES = 16
"""640 ms."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The n-best of a final, best first, its stable words, and what was said."""

    corpus: str
    reference: str
    stable: list[str]
    nbest: list[Hypothesis]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lm", type=Path)
    parser.add_argument("--nbest", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    parser.add_argument("--each", type=int, help="recordings of each dev corpus; all without it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    speech, lm = heard("beam", each=arguments.each), load_neural_lm(arguments.lm)
    decoder = speech.recognizer.decoder
    assert isinstance(decoder, LexiconBeamDecoder)
    finals = list(searched(speech, max(arguments.nbest)))
    compare(finals, lm, (decoder.options.alpha, decoder.options.beta), arguments.nbest, arguments.shares)


def searched(speech: Speech, n: int) -> Iterable[Heard]:
    """What the first pass finds."""
    for utterance, log_probs in zip(speech.utterances, speech.log_probs, strict=True):
        session = speech.recognizer.decoder.session()
        assert isinstance(session, BeamSession)
        partial = Hypothesis()
        for start in range(0, len(log_probs), CHUNK_FRAMES):
            partial = session.accept(log_probs[start : start + CHUNK_FRAMES])
        session.finish()
        stable = [word.text for word in partial.words[: partial.stable_words]]
        yield Heard(utterance.corpus, normalize(utterance.text or "") or "", stable, session.nbest(n))


def compare(
    finals: Sequence[Heard],
    lm: NeuralLm,
    weights: tuple[float, float],
    lengths: Sequence[int],
    shares: Sequence[float],
) -> None:
    """Print the figures of every corpus for each length of the n-best, then the time."""
    known: dict[str, float] = {}

    def score(sentences: Sequence[str]) -> list[float]:
        """The model's scores; what it scored once it need not score for every share."""
        new = [one for one in sentences if one not in known]
        known.update(zip(new, lm.score(new), strict=True))
        return [known[one] for one in sentences]

    for n in lengths:
        for corpus in dict.fromkeys(one.corpus for one in finals):
            some = [one for one in finals if one.corpus == corpus]
            after = {share: rate(some, Rescorer(score, Weights(share, *weights)), n) for share in shares}
            figures = {"first_pass": rate(some, None, n), "oracle": oracle(some, n), "after": after}
            record("rescoring", {"corpus": corpus, "finals": len(some), "nbest": n, **figures})
        record("rescoring", {"nbest": n, **milliseconds(finals, Rescorer(lm.score, Weights(0.5, *weights)), n)})


def rate(finals: Sequence[Heard], rescorer: Rescorer | None, n: int) -> float:
    """Word errors in per cent, of the first pass without a rescorer."""
    chosen = (rescorer.best(one.nbest[:n], one.stable) if rescorer else one.nbest[0] for one in finals)
    errors = (word_errors(one.reference, best.text) for one, best in zip(finals, chosen, strict=True))
    return percent(errors)


def oracle(finals: Sequence[Heard], n: int) -> float:
    """Word errors in per cent of the hypotheses that are nearest to what was said."""
    return percent(
        min((word_errors(one.reference, some.text) for some in one.nbest[:n]), key=lambda counts: counts.errors)
        for one in finals
    )


def percent(errors: Iterable[ErrorCounts]) -> float:
    """The rate of all errors together, rounded."""
    return round(100 * sum(errors, ErrorCounts()).rate, 2)


def milliseconds(finals: Sequence[Heard], rescorer: Rescorer, n: int) -> dict[str, float]:
    """Of processor a final, the least of three runs each: the median and the slowest."""
    spent: dict[int, list[float]] = defaultdict(list)
    for _ in range(3):
        for number, one in enumerate(finals):
            started = time.process_time()
            rescorer.best(one.nbest[:n], one.stable)
            spent[number].append(1000 * (time.process_time() - started))
    least = np.array([min(times) for times in spent.values()])
    return {"ms_median": round(float(np.median(least)), 1), "ms_most": round(float(least.max()), 1)}


if __name__ == "__main__":
    main()
