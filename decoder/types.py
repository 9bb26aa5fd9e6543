"""Hypotheses, words, and what every decoder offers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

LogProbs = npt.NDArray[np.float32]
"""Natural-log label probabilities, (T, V)."""

Indices = npt.NDArray[np.intp]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; times in seconds from the start of the stream, confidence in [0, 1]."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A transcript of what a decoder session has heard.

    stable_words: how many leading words can no longer change.
    acoustic_score: natural log of the CTC probability of the labels.
    lm_score: weighted natural-log contribution of language model and word bonus.
    """

    words: tuple[Word, ...] = ()
    stable_words: int = 0
    acoustic_score: float = 0.0
    lm_score: float = 0.0

    @property
    def text(self) -> str:
        """The words, joined by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def start_s(self) -> float:
        """Start of the first word in seconds, 0 without words."""
        return self.words[0].start_s if self.words else 0.0

    @property
    def end_s(self) -> float:
        """End of the last word in seconds, 0 without words."""
        return self.words[-1].end_s if self.words else 0.0

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, 1 without words."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 1.0


class DecoderSession(Protocol):
    """The decoding of one stream; chunks of log-probabilities in, the best hypothesis so far out."""

    def accept(self, log_probs: LogProbs) -> Hypothesis:
        """Advance by log_probs (T, V), natural log, T >= 0; the best hypothesis so far."""
        ...

    def finish(self) -> Hypothesis:
        """The final hypothesis; the session takes no more input."""
        ...


class Decoder(Protocol):
    """A shared, immutable decoder that opens one session per stream."""

    def session(self) -> DecoderSession:
        """A new session at the start of a stream."""
        ...
