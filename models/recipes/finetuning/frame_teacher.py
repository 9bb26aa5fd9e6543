"""A streaming recogniser as the teacher of a wav2vec 2.0 network: what it says of each frame of the same samples."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.checkpoint import load_checkpoint
from models.frontend import Frontend
from models.layers import Subsampling
from models.recipes.finetuning.waveforms import LABELS, WaveformBatch
from models.recipes.loop.precision import autocast
from models.wav2vec2_checkpoint import HEAD
from models.wav2vec2_config import Wav2Vec2Config


@dataclass(frozen=True, slots=True)
class Taught:
    """The teacher's log-probabilities (B, T, V) and encoder frames (B, T, D), in the student's frames."""

    log_probs: Tensor
    frames: Tensor


class FrameTeacher:
    """The frozen teacher, with full context.

    dim: of its encoder frames. Of two frames of the student in one of the teacher's both learn the same: a letter
    twice in a row is one letter to CTC.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        """Raise ValueError for a teacher that is not there or writes other letters than the student."""
        self.checkpoint = load_checkpoint(folder)
        labels = {head.name: head.labels for head in self.checkpoint.heads}.get(HEAD)
        if labels != LABELS:
            raise ValueError(f"the teacher {folder} writes other letters than this program trains: choose another")
        self._frontend = Frontend(self.checkpoint.frontend).to(device)
        self._model = self.checkpoint.build().to(device)
        self.dim = self.checkpoint.encoder.dim

    @torch.no_grad()
    def __call__(self, batch: WaveformBatch, frames: int, student: Wav2Vec2Config) -> Taught:
        """What is taught of a batch, of which the student makes so many frames."""
        features = self._frontend(batch.samples)
        hop, length = self._frontend.config.hop_length, self._frontend.config.frame_length
        lengths = ((batch.lengths - length) // hop + 1).clamp_min(1)
        surplus = -features.shape[1] % Subsampling.FACTOR
        features = torch.nn.functional.pad(features, (0, 0, 0, surplus))
        with autocast(features.device):
            encoded, _ = self._model.encoder(features, lengths, None)
        encoded = encoded.float()
        every = student.frame_duration_s / self.checkpoint.frame_duration_s
        at = (torch.arange(frames, device=encoded.device) * every).long().clamp_max(encoded.shape[1] - 1)
        return Taught(self._model.log_probs(encoded, HEAD)[:, at], encoded[:, at])
