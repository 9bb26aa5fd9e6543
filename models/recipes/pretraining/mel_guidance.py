"""wav2vec 2.0 whose feature encoder also learns to tell the log-mel energies of its frames.

Contrast alone teaches a feature encoder in hundreds of hours what sound is made of. A recipe for one core has
minutes: the energies are a dense target that needs no context, and leave the network the way in which it hears.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.frontend import Frontend, FrontendConfig
from models.quantiser import QuantiserConfig
from models.recipes.finetuning.waveform_encoder import WaveformEncoder
from models.recipes.loop.precision import autocast
from models.recipes.pretraining.masks import normalise_over_time
from models.recipes.pretraining.objectives import Moment, Wav2vec2, Wav2vec2Config


@dataclass(frozen=True, slots=True)
class MelGuidance:
    """weight: of the squared error of standardised energies beside the contrastive loss."""

    weight: float = 1.0


class MelGuidedWav2vec2(Wav2vec2):
    """The objective of wav2vec 2.0, and a linear map from features to log-mel energies."""

    def __init__(
        self, encoder: WaveformEncoder, config: Wav2vec2Config, quantiser: QuantiserConfig, guidance: MelGuidance
    ) -> None:
        super().__init__(encoder, config, quantiser)
        self.guidance = guidance
        self.frontend = Frontend(FrontendConfig(sample_rate=encoder.config.sample_rate))
        self.every = encoder.config.hop // self.frontend.config.hop_length
        self.energies = nn.Linear(encoder.config.convolutions[-1][0], self.frontend.config.num_mels)

    def forward(self, samples: Tensor, lengths: Tensor, moment: Moment) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of contrast and the squared error, which is 1 where nothing is told."""
        assert isinstance(self.encoder, WaveformEncoder)
        with autocast(samples.device):
            features = self.encoder.features(samples, lengths)
            frames = self.encoder.network.encoder.feature_projection(features).float()
        lengths = self.encoder.config.frames_in(lengths)
        loss, figures = self.contrast(frames, lengths, moment)
        valid = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
        wanted = normalise_over_time(self._log_mel(samples, frames.shape[1]), lengths)
        energies = functional.mse_loss(self.energies(features.float())[valid], wanted[valid])
        return loss + self.guidance.weight * energies, figures | {"energies": energies}

    @torch.no_grad()
    def _log_mel(self, samples: Tensor, frames: int) -> Tensor:
        """The energies (B, T, F) of the front end's frame that begins where the network's does."""
        energies: Tensor = self.frontend(samples)
        return energies[:, :: self.every][:, :frames]
