"""What a recogniser asks of an acoustic model, whatever its network: samples in, log-probabilities out."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Mono samples (n,) in [-1, 1] at the model's sample rate."""

LogProbs = NDArray[np.float32]
"""Natural-log probabilities (T, V) of the labels, the blank first."""


FULL_CONTEXT_S = 30.0
"""What "full context" means in a stream: chunks this long, so that memory does not grow with a recording."""


class AcousticStream(Protocol):
    """The state of one stream: samples that wait, and what the network remembers."""

    def accept(self, samples: Samples) -> None:
        """Take in samples (n,); nothing is computed but what readies them for a step."""

    def finish(self) -> None:
        """Say that no more samples come, so that what is left may be stepped."""

    @property
    def is_ready(self) -> bool:
        """Whether a chunk waits for a step."""


class AcousticModel(Protocol):
    """Weights that all streams share and nobody changes."""

    @property
    def sample_rate(self) -> int:
        """Of the samples that it hears, Hz."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What the columns of its log-probabilities stand for, the blank first."""

    @property
    def frame_duration_s(self) -> float:
        """Seconds of one frame, a row of its log-probabilities."""

    @property
    def chunk_s(self) -> float:
        """Seconds of new sound in a chunk."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def stream(self) -> Any:
        """A new stream, an AcousticStream of this model's own kind."""

    def step(self, streams: Sequence[Any]) -> list[LogProbs]:
        """One chunk of each of these streams, all ready, as one batch: log-probabilities (T, V) of each.

        A step that fails leaves the streams as they were.
        """

    def log_probs(self, samples: Samples) -> LogProbs:
        """Log-probabilities (T, V) of a whole utterance (n,), with all the context that the model is made for.

        Those of the steps, where the model is a streaming one; a network that hears both sides hears all of it here.
        """

    def batch_log_probs(self, utterances: Sequence[Samples]) -> list[LogProbs]:
        """The same of several utterances as one batch; of much the same length, for all cost what the longest does."""

    def with_full_context(self) -> "AcousticModel":
        """A model of the same weights, for whole utterances: what it says of a frame depends on all of them."""
