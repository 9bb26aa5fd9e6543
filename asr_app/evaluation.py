"""Accuracy and speed of a recogniser on transcribed recordings, fed as a microphone would."""

import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from asr_app.audio.file import read_audio
from asr_app.audio.types import AudioChunk, Samples
from asr_app.events import Event, Final, Partial
from asr_app.recognizer import Recognizer
from decoder.confidence import expected_calibration_error
from decoder.metrics import ErrorCounts, bootstrap_interval, character_errors, matching_words, word_errors
from decoder.normalize import normalize
from models.recipes.data.manifest import Utterance

ARRIVAL_S = 0.1
"""Seconds of audio that arrive at a time, as from a microphone."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance as the recogniser heard it.

    compute_s: seconds of work. first_partial_s: from the start of the audio until words stood on a live
    clock, None without words. final_lag_s: from the end of the audio to the last
    final on that clock. confidences: of each word of the text, and whether it is right.
    """

    utterance: Utterance
    reference: str
    text: str
    words: ErrorCounts
    characters: ErrorCounts
    audio_s: float
    compute_s: float
    first_partial_s: float | None
    final_lag_s: float
    confidences: tuple[tuple[float, bool], ...] = ()


@dataclass(slots=True)
class _LiveClock:
    """When a listener would have got what: audio arrives in real time, work delays it, a backlog is kept."""

    now_s: float = 0.0
    busy_s: float = 0.0
    first_partial_s: float | None = None
    finals: list[Final] = field(default_factory=list)

    def run(self, arrived_s: float, work: Callable[[], list[Event]]) -> None:
        """Do work on audio that has arrived by arrived_s."""
        started = time.perf_counter()
        events = work()
        spent = time.perf_counter() - started
        self.busy_s += spent
        self.now_s = max(self.now_s, arrived_s) + spent
        self.finals += [event for event in events if isinstance(event, Final)]
        if self.first_partial_s is None and any(isinstance(e, Partial | Final) and e.words for e in events):
            self.first_partial_s = self.now_s


def hear(recognizer: Recognizer, utterance: Utterance) -> Heard:
    """Recognise one utterance, 100 ms at a time, and compare it to its transcript."""
    samples = read_audio(utterance.audio, recognizer.sample_rate)
    clock = _listen(recognizer, samples)
    audio_s = len(samples) / recognizer.sample_rate
    reference = normalize(utterance.text or "") or ""
    spelled = [  # the user's own words may be written otherwise than transcripts have them
        (said, word.confidence)
        for final in clock.finals
        for word in final.words
        for said in (normalize(word.text) or "").split()
    ]
    text = " ".join(said for said, _ in spelled)
    right = {mine for _, mine in matching_words(reference.split(), text.split())}
    return Heard(
        utterance,
        reference,
        text,
        word_errors(reference, text),
        character_errors(reference, text),
        audio_s,
        clock.busy_s,
        clock.first_partial_s,
        max(0.0, clock.now_s - audio_s),
        tuple((confidence, place in right) for place, (_, confidence) in enumerate(spelled)),
    )


def _listen(recognizer: Recognizer, samples: Samples) -> _LiveClock:
    session, clock, rate = recognizer.session(), _LiveClock(), recognizer.sample_rate
    size = round(ARRIVAL_S * rate)
    for start in range(0, len(samples), size):
        chunk = AudioChunk(samples[start : start + size], rate, start)
        clock.run((start + len(chunk.samples)) / rate, lambda chunk=chunk: session.accept(chunk))  # type: ignore[misc]
    clock.run(len(samples) / rate, session.finish)
    return clock


def report(heard: Iterable[Heard]) -> dict[str, Any]:
    """The figures of a set of utterances: rates in per cent, times in seconds, memory in MB."""
    all_heard = list(heard)
    words = [one.words for one in all_heard]
    total = sum(words, ErrorCounts())
    audio = sum(one.audio_s for one in all_heard)
    low, high = bootstrap_interval(words)
    partials = [one.first_partial_s for one in all_heard if one.first_partial_s is not None]
    return {
        "utterances": len(all_heard),
        "words": total.reference_length,
        "audio_s": round(audio, 1),
        "wer": round(100 * total.rate, 2),
        "wer_ci95": [round(100 * low, 2), round(100 * high, 2)],
        "substitutions": _percent(total.substitutions, total),
        "deletions": _percent(total.deletions, total),
        "insertions": _percent(total.insertions, total),
        "cer": round(100 * sum((one.characters for one in all_heard), ErrorCounts()).rate, 2),
        "confidence_error": _confidence_error([one for each in all_heard for one in each.confidences]),
        "rtf": round(sum(one.compute_s for one in all_heard) / audio, 4) if audio else 0.0,
        "first_partial_s_p50": _quantile(partials, 0.5),
        "final_lag_s_p50": _quantile([one.final_lag_s for one in all_heard], 0.5),
        "final_lag_s_p95": _quantile([one.final_lag_s for one in all_heard], 0.95),
        "peak_memory_mb": peak_memory_mb(),
    }


def peak_memory_mb() -> float:
    """The most memory that this process ever held."""
    unit = 1 if sys.platform == "darwin" else 1024  # kilobytes but for macOS
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _confidence_error(confidences: list[tuple[float, bool]]) -> float:
    """How far confidences are from the share of words that are right, 0 without words."""
    shares, right = [share for share, _ in confidences], [is_right for _, is_right in confidences]
    return round(expected_calibration_error(shares, right), 3)


def _percent(count: int, total: ErrorCounts) -> float:
    return round(100 * count / max(1, total.reference_length), 2)


def _quantile(values: list[float], share: float) -> float | None:
    return round(float(np.quantile(values, share)), 3) if values else None
