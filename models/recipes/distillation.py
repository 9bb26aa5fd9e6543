"""A trained model of our own as the teacher of a smaller one, heard on the same augmented batch."""

from pathlib import Path

import torch
from torch import Tensor

from models.checkpoint import load_checkpoint
from models.frontend import FrontendConfig
from models.recipes.data.batches import Batch
from models.recipes.data.samples import HEADS
from models.recipes.loop.precision import autocast
from models.recipes.losses import distillation_loss
from models.recipes.recipe import Distillation
from models.recipes.student import Encoded


class PosteriorTeacher:
    """The objective `distilled HEAD` of each head: the student's posteriors against the frozen teacher's."""

    def __init__(self, config: Distillation, data: Path, device: torch.device) -> None:
        """Raise ValueError for a teacher that is not there or has other labels or features than the student."""
        folder = data / config.teacher
        self.checkpoint = load_checkpoint(folder)
        if self.checkpoint.heads != HEADS or self.checkpoint.frontend != FrontendConfig():
            raise ValueError(
                f"the teacher {folder} has other labels or features than this program trains: train it anew"
            )
        self._config = config
        self._model = self.checkpoint.build().to(device)

    def __call__(self, encoded: Encoded, batch: Batch) -> dict[str, Tensor]:
        """The distillation loss of each head, over the frames of all utterances."""
        with torch.no_grad():
            with autocast(batch.features.device):
                frames, lengths = self._model.encoder(batch.features, batch.lengths, self._config.chunk_frames or None)
            wanted = {head: self._model.log_probs(frames.float(), head) for head in encoded.log_probs}
        return {
            f"distilled {head}": distillation_loss(log_probs, wanted[head], lengths, self._config.temperature)
            for head, log_probs in encoded.log_probs.items()
        }
