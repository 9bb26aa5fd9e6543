"""What the words of dev speech are worth: flicker of partials, calibration of confidences, deviation of times.

python tests/bench/words.py [--chunks 320 640] [--each 40]      (needs ../shared/speech)

One JSON line a chunk size. Flicker: share of words that a partial showed and a later one, or the final, revised.
Confidences: expected calibration error in ten bins as they are and with a calibration that the other half of the
recordings gave. Times: seconds between a right word's start or end and a forced alignment of the transcript with
the same log-probabilities, and with those of full context.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from measure import record
from posteriors import Speech, heard, pronunciations_of

from decoder.alignment import Pronunciations, align_words
from decoder.confidence import expected_calibration_error, fit
from decoder.lexicon_beam import LexiconBeamDecoder
from decoder.metrics import matching_words
from decoder.normalize import normalize
from decoder.types import LogProbs, Word


@dataclass(slots=True)
class Tally:
    """What was counted over recordings; rows of confidences are (corpus, recording, share, right)."""

    shown: int = 0
    revised: int = 0
    confidences: list[tuple[str, int, float, bool]] = field(default_factory=list)
    deviations: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def main() -> None:
    """Measure and print one JSON line a chunk size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=[320, 640])
    parser.add_argument("--each", type=int, help="recordings of each dev corpus; all without it")
    arguments = parser.parse_args()
    full = heard("beam", None, arguments.each)
    for chunk_ms in arguments.chunks:
        speech = heard("beam", chunk_ms, arguments.each)
        tally = listen(speech, full.log_probs)
        record("words", {"chunk_ms": chunk_ms, **report(tally)})


def listen(speech: Speech, full_context: Sequence[LogProbs]) -> Tally:
    """Decode every recording in chunks and compare its words to the transcript."""
    decoder = speech.recognizer.decoder
    assert isinstance(decoder, LexiconBeamDecoder)
    pronunciations = pronunciations_of(decoder.lexicon)
    acoustic, tally = speech.recognizer.acoustic, Tally()
    chunk_frames = round(acoustic.chunk_s / acoustic.frame_duration_s)
    for number, (utterance, log_probs, full) in enumerate(
        zip(speech.utterances, speech.log_probs, full_context, strict=True)
    ):
        words = decode(decoder, log_probs, chunk_frames, tally)
        reference = (normalize(utterance.text or "") or "").split()
        pairs = matching_words(reference, [word.text for word in words])
        right = {mine for _, mine in pairs}
        tally.confidences += [(utterance.corpus, number, w.confidence, i in right) for i, w in enumerate(words)]
        if all(word in pronunciations for word in reference):
            spelled = [pronunciations[word] for word in reference]
            deviate(tally, "", pairs, words, spelled, log_probs, decoder)
            deviate(tally, "full_context_", pairs, words, spelled, full, decoder)
    return tally


def decode(decoder: LexiconBeamDecoder, log_probs: LogProbs, chunk: int, tally: Tally) -> tuple[Word, ...]:
    """The final words; counts what the partials on the way showed and revised."""
    session = decoder.session()
    before: list[str] = []
    final: tuple[Word, ...] = ()
    for start in range(0, len(log_probs) + chunk, chunk):
        piece = log_probs[start : start + chunk]
        final = (session.accept(piece) if len(piece) else session.finish()).words
        texts = [word.text for word in final]
        kept = sum(a == b for a, b in zip(before, texts, strict=False))
        tally.revised += len(before) - kept
        tally.shown += len(texts) - kept
        before = texts
    return session.finish().words


def deviate(
    tally: Tally,
    name: str,
    pairs: list[tuple[int, int]],
    words: Sequence[Word],
    spelled: Sequence[Pronunciations],
    log_probs: LogProbs,
    decoder: LexiconBeamDecoder,
) -> None:
    """Add the distances of right words from their place in a forced alignment, where there is one."""
    try:
        aligned = align_words(log_probs, spelled, decoder.blank)
    except ValueError:  # more labels than frames
        return
    for theirs, mine in pairs:
        start, end = (frame * decoder.frame_duration_s for frame in aligned[theirs])
        tally.deviations[f"{name}start"].append(abs(words[mine].start_s - start))
        tally.deviations[f"{name}end"].append(abs(words[mine].end_s - end))


def report(tally: Tally) -> dict[str, object]:
    """The figures of a tally."""
    figures: dict[str, object] = {"words": len(tally.confidences), "revised": round(tally.revised / tally.shown, 4)}
    corpora, numbers, shares, right = (np.array(column) for column in zip(*tally.confidences, strict=True))
    calibration = fit(shares, right)
    calibrated = np.empty(len(shares))
    for half in (0, 1):
        here = numbers % 2 == half
        other = fit(shares[~here], right[~here])
        calibrated[here] = [other(share) for share in shares[here].tolist()]
    figures["right"] = round(float(right.mean()), 3)
    figures["ece"] = {"all": ece(shares, right), **by_corpus(corpora, lambda here: ece(shares[here], right[here]))}
    figures["ece_calibrated"] = {
        "all": ece(calibrated, right),
        **by_corpus(corpora, lambda here: ece(calibrated[here], right[here])),
    }
    figures["calibration"] = {"slope": round(calibration.slope, 3), "offset": round(calibration.offset, 3)}
    for name, values in tally.deviations.items():
        figures[f"{name}_ms"] = {f"p{p}": round(1000 * float(np.percentile(values, p))) for p in (50, 90)}
    return figures


def ece(confidences: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error in ten bins, rounded."""
    return round(expected_calibration_error(confidences, right), 3)


def by_corpus(corpora: np.ndarray, figure: Callable[[np.ndarray], float]) -> dict[str, float]:
    """A figure for the rows of each corpus."""
    return {str(corpus): figure(corpora == corpus) for corpus in np.unique(corpora)}


if __name__ == "__main__":
    main()
