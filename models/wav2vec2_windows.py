"""A bidirectional network as an acoustic model of streams: windows that overlap, of which the centres are used.

A window is a chunk with context on its left and its right. The frames of all chunks together are those of the whole
utterance, each once. The convolutions' features are computed once and used by every window that has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.acoustic import LogProbs, Samples
from models.device import CudaGraphs, half_precision, to_device
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint
from models.wav2vec2_config import Wav2Vec2Config
from models.wav2vec2_features import Statistics, encode_piece


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Milliseconds of a window: what is new, and the context before and after it. The latter is delay."""

    left_ms: int = 4000
    chunk_ms: int = 640
    right_ms: int = 480

    def frames(self, config: Wav2Vec2Config) -> tuple[int, int, int]:
        """Frames of left context, chunk and right context; ValueError where the plan makes no window."""
        left, chunk, right = (
            round(one / 1000 / config.frame_duration_s) for one in (self.left_ms, self.chunk_ms, self.right_ms)
        )
        if min(left, right) < 0 or chunk < 1:
            frame_ms = round(1000 * config.frame_duration_s)
            raise ValueError(
                f"windows of {self.left_ms}, {self.chunk_ms} and {self.right_ms} ms are impossible: "
                f"choose a chunk of {frame_ms} ms or more, and no negative context"
            )
        return left, chunk, right


class Wav2Vec2Windows:
    """An AcousticModel of a checkpoint."""

    def __init__(self, checkpoint: Wav2Vec2Checkpoint, plan: WindowPlan, device: torch.device) -> None:
        """Raise ValueError for an impossible plan."""
        config = checkpoint.config
        self.labels, self.sample_rate = checkpoint.labels, config.sample_rate
        self.frame_duration_s = config.frame_duration_s
        self.device, self._config, self._plan = device, config, plan.frames(config)
        self.chunk_s = self._plan[1] * self.frame_duration_s
        self._columns = torch.tensor(checkpoint.columns, device=device)
        self._network = checkpoint.build().to(device)
        self._graphs = CudaGraphs(self._network_log_probs)

    def stream(self) -> "WindowStream":
        """A new stream."""
        return WindowStream(self._config, self._plan, self.device)

    @torch.inference_mode()
    def step(self, streams: Sequence["WindowStream"]) -> list[LogProbs]:
        """One chunk of each of these streams, all ready, as one batch: log-probabilities (T, V) of each."""
        self._encode(streams)
        heard = self._understood([stream.window() for stream in streams])
        return [log_probs[stream.take()] for log_probs, stream in zip(heard, streams, strict=True)]

    def log_probs(self, samples: Samples) -> LogProbs:
        """Log-probabilities (T, V) of a whole utterance (n,), every frame with all of it as context."""
        return self.batch_log_probs([samples])[0]

    @torch.inference_mode()
    def batch_log_probs(self, utterances: Sequence[Samples]) -> list[LogProbs]:
        """The same of several utterances as one batch."""
        return self._understood([self._features(samples) for samples in utterances])

    def with_full_context(self) -> Self:
        """Itself: a whole utterance is heard with full context."""
        return self

    def _features(self, samples: Samples) -> Tensor:
        """The features (T, C) of a whole utterance, by itself: its norms are to see no padding."""
        if not self._config.frames_in(len(samples)):
            return torch.zeros(0, self._config.convolutions[-1][0], device=self.device)
        sound = self._network.normalise(to_device(torch.tensor(samples), self.device)[None])
        with half_precision(self.device):
            return self._network.features(sound)[0]

    def _understood(self, features: Sequence[Tensor]) -> list[LogProbs]:
        """Log-probabilities (T, V) of the features (T, C) of windows or utterances, as one batch."""
        sizes = [len(one) for one in features]
        if not max(sizes):
            return [np.zeros((0, len(self.labels)), np.float32) for _ in features]
        is_even = len(set(sizes)) == 1
        if not is_even and self._config.position_layers:  # through which padding would leak
            return [self._understood([one])[0] for one in features]
        padded = pad_sequence([one.to(self.device) for one in features], batch_first=True)  # (B, T, C)
        lengths = () if is_even else (to_device(torch.tensor(sizes), self.device),)
        is_usual = padded.shape[1] == sum(self._plan) and not self._config.buckets  # whose bias is made on the CPU
        (log_probs,) = (self._graphs if is_usual else self._network_log_probs)(padded, *lengths)
        rows: LogProbs = log_probs.cpu().numpy()
        return [row[:size] for row, size in zip(rows, sizes, strict=True)]

    def _network_log_probs(self, features: Tensor, lengths: Tensor | None = None) -> tuple[Tensor]:
        """Log-probabilities (B, T, V) of features (B, T, C): the head's, of the outputs that have labels."""
        with half_precision(self.device):
            frames = self._network.context(features, lengths)
            return (self._network.log_probs(frames)[..., self._columns],)

    def _encode(self, streams: Sequence["WindowStream"]) -> None:
        """Compute the features that the streams' next windows lack; pieces of one size make one batch."""
        lacking = [stream for stream in streams if stream.lacks]
        for size, group in groupby(sorted(lacking, key=_piece_size), key=_piece_size):
            batch = list(group)
            samples = to_device(torch.from_numpy(np.stack([stream.piece() for stream in batch])), self.device)
            heard = Statistics.stack([stream.heard.to(self.device) for stream in batch])
            with half_precision(self.device):
                features, heard = encode_piece(self._network, samples, size[1], heard)
            for stream, new, own in zip(batch, features, heard.split(), strict=True):
                stream.put(new, own)


class WindowStream:
    """An AcousticStream: samples that wait, features for the next windows, and what was heard so far."""

    def __init__(self, config: Wav2Vec2Config, plan: tuple[int, int, int], device: torch.device) -> None:
        """plan: frames of left context, chunk and right context."""
        self.heard = Statistics.start(config, device)
        self._config = config
        self._left, self._chunk, self._right = plan
        self._samples = np.zeros(0, np.float32)  # from the first of the next frame to encode
        self._features = torch.zeros(0, config.convolutions[-1][0], device=device)  # of the frames before that one
        self._encoded = self._taken = 0  # frames
        self._finished = False

    def accept(self, samples: Samples) -> None:
        """Take in samples (n,)."""
        self._samples = np.concatenate([self._samples, samples])

    def finish(self) -> None:
        """Say that no more samples come, so that what is left may be stepped."""
        self._finished = True

    @property
    def is_ready(self) -> bool:
        """Whether a chunk waits with its right context, or what there is of them at the end."""
        available = self._encoded + self._config.frames_in(len(self._samples))
        return available >= self._taken + (1 if self._finished else self._chunk + self._right)

    @property
    def lacks(self) -> int:
        """How many frames of the next window are not encoded."""
        available = self._encoded + self._config.frames_in(len(self._samples))
        return min(self._taken + self._chunk + self._right, available) - self._encoded

    @property
    def known(self) -> int:
        """How many samples of the next piece were in the last one."""
        return self._config.receptive_field - self._config.hop if self._encoded else 0

    def piece(self) -> Samples:
        """The samples of the frames that the next window lacks."""
        return self._samples[: self._config.samples_of(self.lacks)]

    def put(self, features: Tensor, heard: Statistics) -> None:
        """Take the features (T, C) of the piece, and the statistics after it."""
        self._features, self.heard = torch.cat([self._features.to(features.device), features]), heard
        self._samples = self._samples[len(features) * self._config.hop :]
        self._encoded += len(features)

    def window(self) -> Tensor:
        """The features (T, C) of the next window."""
        return self._features

    def take(self) -> slice:
        """Go on to the next chunk; where in the window this one was."""
        start = len(self._features) - (self._encoded - self._taken)
        chunk = slice(start, min(start + self._chunk, len(self._features)))
        self._taken += chunk.stop - chunk.start
        self._features = self._features[max(0, chunk.stop - self._left) :]
        return chunk


def _piece_size(stream: WindowStream) -> tuple[int, int]:
    return stream.lacks, stream.known
