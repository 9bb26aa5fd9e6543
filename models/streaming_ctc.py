"""The streaming Conformer as an acoustic model: front end, encoder and one CTC head, a batch of streams at a time."""

import copy
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from models.acoustic import FULL_CONTEXT_S, LogProbs, Samples
from models.checkpoint import Checkpoint
from models.conformer import EncoderState, encoded_length
from models.device import CudaGraphs, half_precision, to_device
from models.frontend import Frontend
from models.layers import Subsampling

TAIL_S = 0.32
"""Silence after the end of a stream, for labels that the encoder emits late."""

_AT_ONCE_S = 120.0
"""A longer utterance is stepped: what attention needs at once grows with the square of the length, 3 GB at 300 s."""


class StreamingCtc:
    """An AcousticModel of a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, head: str, chunk_frames: int, device: torch.device) -> None:
        """head: which of the checkpoint's. chunk_frames: encoder frames of a chunk."""
        self.head, self.chunk_frames, self.device = head, chunk_frames, device
        self.labels = next(one.labels for one in checkpoint.heads if one.name == head)
        self.sample_rate = checkpoint.frontend.sample_rate
        self.frame_duration_s = checkpoint.frame_duration_s
        self.frontend = Frontend(checkpoint.frontend)
        self._model = checkpoint.build().to(device)
        self._start = self._model.encoder.init_state(1)
        self._graphs = CudaGraphs(self._advance)

    @property
    def chunk_s(self) -> float:
        """Seconds of new sound in a chunk."""
        return self.chunk_frames * self.frame_duration_s

    def stream(self) -> "CtcStream":
        """A new stream."""
        return CtcStream(self.frontend, self.chunk_frames * Subsampling.FACTOR, self._start)

    @torch.inference_mode()
    def step(self, streams: Sequence["CtcStream"]) -> list[LogProbs]:
        """One chunk of each of these streams, all ready, as one batch: log-probabilities (T, V) of each."""
        features, lengths = self._batch([stream.chunk for stream in streams])
        state = EncoderState.stack([stream.state_on(self.device) for stream in streams])
        is_whole = features.shape[1] == self.chunk_frames * Subsampling.FACTOR
        frames, *after = (self._graphs if is_whole else self._advance)(features, lengths, *state.tensors())
        log_probs = self._labelled(frames, lengths)
        for stream, own in zip(streams, EncoderState.from_tensors(after).split(), strict=True):
            stream.go_on(own)
        return log_probs

    def log_probs(self, samples: Samples) -> LogProbs:
        """What the steps of a stream give in all: log-probabilities (T, V) of a whole utterance (n,), of any length."""
        if len(samples) <= _AT_ONCE_S * self.sample_rate:
            return self.batch_log_probs([samples])[0]
        return np.concatenate([*self._stepped(samples)])

    @torch.inference_mode()
    def batch_log_probs(self, utterances: Sequence[Samples]) -> list[LogProbs]:
        """The same of several utterances as one batch."""
        tail = self.frontend.samples_in(TAIL_S)
        sounds = [functional.pad(torch.tensor(samples), (0, tail)) for samples in utterances]
        features, lengths = self._batch([self.frontend(sound) for sound in sounds])
        with half_precision(self.device):
            frames, _ = self._model.encoder(features, lengths, self.chunk_frames)
        return self._labelled(frames, lengths)

    def with_full_context(self) -> Self:
        """The same weights, for whole utterances."""
        whole = copy.copy(self)
        whole.chunk_frames = round(FULL_CONTEXT_S / self.frame_duration_s)
        return whole

    def _stepped(self, samples: Samples) -> Iterator[LogProbs]:
        """Log-probabilities (T, V) of the chunks of an utterance (n,), a second of which is taken in at a time."""
        stream = self.stream()
        for start in range(0, len(samples), self.sample_rate):
            stream.accept(samples[start : start + self.sample_rate])
            while stream.is_ready:
                yield from self.step([stream])
        stream.finish()
        while stream.is_ready:
            yield from self.step([stream])

    def _batch(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Features (T, F) of each stream as a batch (B, T, F), and their lengths (B,)."""
        lengths = torch.tensor([len(one) for one in features])
        return to_device(pad_sequence([*features], batch_first=True), self.device), to_device(lengths, self.device)

    def _advance(self, features: Tensor, lengths: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """ConformerEncoder.step, of and to tensors."""
        with half_precision(self.device):
            frames, after = self._model.encoder.step(features, lengths, EncoderState.from_tensors([*state]))
        return frames, *after.tensors()

    def _labelled(self, frames: Tensor, lengths: Tensor) -> list[LogProbs]:
        """Log-probabilities (T, V) of each row of frames (B, T, D), without its padding."""
        log_probs = self._model.log_probs(frames.float(), self.head).cpu().numpy()
        return [row[:size] for row, size in zip(log_probs, encoded_length(lengths).tolist(), strict=True)]


class CtcStream:
    """An AcousticStream: samples and features that wait, and the encoder's caches."""

    def __init__(self, frontend: Frontend, chunk_features: int, start: EncoderState) -> None:
        self._state = start
        self._frontend, self._chunk_features = frontend, chunk_features
        self._samples = frontend.init_state()
        self._features = torch.zeros(0, frontend.config.num_mels)
        self._finished = False

    @torch.inference_mode()
    def accept(self, samples: Samples) -> None:
        """Take in samples (n,): their features wait for a step."""
        features, self._samples = self._frontend.step(torch.tensor(samples), self._samples)
        self._features = torch.cat([self._features, features])

    def finish(self) -> None:
        """Say that no more samples come, so that what is left may be stepped."""
        self.accept(np.zeros(self._frontend.samples_in(TAIL_S), np.float32))
        self._finished = True

    @property
    def is_ready(self) -> bool:
        """Whether a chunk waits for a step: a whole one, or the last."""
        return len(self._features) >= (1 if self._finished else self._chunk_features)

    @property
    def chunk(self) -> torch.Tensor:
        """The features (T, F) of the next chunk."""
        return self._features[: self._chunk_features]

    def state_on(self, device: torch.device) -> EncoderState:
        """What the encoder remembers, on a device: a stream may outlive the model that began it (models.fallback)."""
        if self._state.frames_seen.device != device:
            self._state = EncoderState.from_tensors([one.to(device) for one in self._state.tensors()])
        return self._state

    def go_on(self, state: EncoderState) -> None:
        """The next chunk was stepped, and left this state."""
        self._state, self._features = state, self._features[self._chunk_features :]
