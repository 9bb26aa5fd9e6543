"""The streaming Conformer as an acoustic model: front end, encoder and one CTC head, a batch of streams at a time."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from models.acoustic import LogProbs, Samples
from models.checkpoint import Checkpoint
from models.conformer import EncoderState, encoded_length
from models.frontend import Frontend
from models.layers import Subsampling

TAIL_S = 0.32
"""Silence after the end of a stream, for labels that the encoder emits late."""


class StreamingCtc:
    """An AcousticModel of a checkpoint."""

    def __init__(self, checkpoint: Checkpoint, head: str, chunk_frames: int, device: torch.device) -> None:
        """head: which of the checkpoint's. chunk_frames: encoder frames of a chunk."""
        self.head, self.chunk_frames, self.device = head, chunk_frames, device
        self.labels = next(one.labels for one in checkpoint.heads if one.name == head)
        self.sample_rate = checkpoint.frontend.sample_rate
        self.frame_duration_s = checkpoint.frame_duration_s
        self.chunk_s = chunk_frames * self.frame_duration_s
        self.frontend = Frontend(checkpoint.frontend)
        self._model = checkpoint.build().to(device)
        self._start = self._model.encoder.init_state(1)

    def stream(self) -> "CtcStream":
        """A new stream."""
        return CtcStream(self.frontend, self.chunk_frames * Subsampling.FACTOR, self._start)

    @torch.inference_mode()
    def step(self, streams: Sequence["CtcStream"]) -> list[LogProbs]:
        """One chunk of each of these streams, all ready, as one batch: log-probabilities (T, V) of each."""
        chunks = [stream.chunk for stream in streams]
        features = torch.nn.utils.rnn.pad_sequence(chunks, batch_first=True).to(self.device)  # (B, T, F)
        lengths = torch.tensor([len(chunk) for chunk in chunks], device=self.device)
        frames, state = self._model.encoder.step(features, lengths, EncoderState.stack([one.state for one in streams]))
        for stream, own in zip(streams, state.split(), strict=True):
            stream.go_on(own)
        log_probs = self._model.log_probs(frames, self.head).cpu().numpy()
        return [row[:size] for row, size in zip(log_probs, encoded_length(lengths).tolist(), strict=True)]

    @torch.inference_mode()
    def log_probs(self, samples: Samples) -> LogProbs:
        """What the steps of a stream give in all, at once: log-probabilities (T, V) of a whole utterance (n,)."""
        padded = functional.pad(torch.tensor(samples), (0, self.frontend.samples_in(TAIL_S)))
        features = self.frontend(padded)[None].to(self.device)
        lengths = torch.tensor([features.shape[1]], device=self.device)
        frames, _ = self._model.encoder(features, lengths, self.chunk_frames)
        log_probs: LogProbs = self._model.log_probs(frames, self.head)[0].cpu().numpy()
        return log_probs


class CtcStream:
    """An AcousticStream: samples and features that wait, and the encoder's caches."""

    def __init__(self, frontend: Frontend, chunk_features: int, start: EncoderState) -> None:
        self.state = start
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

    def go_on(self, state: EncoderState) -> None:
        """The next chunk was stepped, and left this state."""
        self.state, self._features = state, self._features[self._chunk_features :]
