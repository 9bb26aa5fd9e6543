"""An acoustic model that leaves a GPU whose memory is full, and goes on with the CPU."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from models.acoustic import AcousticModel, LogProbs, Samples
from models.device import is_out_of_memory

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")

_TRIAL_S = 1.0

Result = TypeVar("Result")


class WithFallback:
    """An AcousticModel on a GPU, until the GPU fails; from then on, and for its streams, too, on the CPU."""

    def __init__(self, make: Callable[[torch.device], AcousticModel], device: torch.device) -> None:
        """make: the model on a device, for whose streams a failed step changes nothing (see AcousticModel).

        A second of silence is tried, so that a GPU which cannot compute this network is left before the first word.
        """
        self._make, self._lock = make, threading.Lock()
        self._model = self._tried(device)
        self.labels, self.sample_rate = self._model.labels, self._model.sample_rate
        self.frame_duration_s, self.chunk_s = self._model.frame_duration_s, self._model.chunk_s

    @property
    def device(self) -> torch.device:
        """Where it computes now."""
        return self._model.device

    def stream(self) -> Any:
        """A new stream."""
        return self._model.stream()

    def step(self, streams: Sequence[Any]) -> list[LogProbs]:
        """One chunk of each of these streams, all ready, as one batch: log-probabilities (T, V) of each."""
        return self._on_any(lambda model: model.step(streams))

    def log_probs(self, samples: Samples) -> LogProbs:
        """Log-probabilities (T, V) of a whole utterance (n,)."""
        return self._on_any(lambda model: model.log_probs(samples))

    def batch_log_probs(self, utterances: Sequence[Samples]) -> list[LogProbs]:
        """Log-probabilities (T, V) of each of several utterances (n,)."""
        return self._on_any(lambda model: model.batch_log_probs(utterances))

    def with_full_context(self) -> AcousticModel:
        """The same weights, with full context."""
        return WithFallback(self._make_whole, self.device)

    def _make_whole(self, device: torch.device) -> AcousticModel:
        """A model with full context on a device; it shares this one's weights where they are there."""
        own = self._model
        return (own if own.device == device else self._make(device)).with_full_context()

    def _on_any(self, work: Callable[[AcousticModel], Result]) -> Result:
        model = self._model
        try:
            return work(model)
        except RuntimeError as error:
            if model.device == CPU or not is_out_of_memory(error):
                raise
            return work(self._without_gpu(model, error))

    def _without_gpu(self, failed: AcousticModel, error: Exception) -> AcousticModel:
        """The model on the CPU, from now on."""
        with self._lock:
            if self._model is failed:  # else another thread was here first
                _warn(failed.device, error)
                self._model = self._make(CPU)
            return self._model

    def _tried(self, device: torch.device) -> AcousticModel:
        try:
            model = self._make(device)
            model.log_probs(np.zeros(round(_TRIAL_S * model.sample_rate), np.float32))
            return model
        except (RuntimeError, NotImplementedError) as error:
            if device == CPU:
                raise
            _warn(device, error)
            return self._make(CPU)


def _warn(device: torch.device, error: Exception) -> None:
    reason = "its memory is full" if is_out_of_memory(error) else str(error).strip().partition("\n")[0]
    logger.warning("the GPU (%s) is not used any more, the CPU goes on: %s", device, reason)
