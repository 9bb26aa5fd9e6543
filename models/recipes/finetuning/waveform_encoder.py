"""A wav2vec 2.0 network in training: what pre-training's objectives and fine-tuning ask of it."""

from torch import Tensor, nn

from models.ctc import zero_linear
from models.recipes.pretraining.masks import normalise_over_time
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_config import Wav2Vec2Config


class WaveformEncoder(nn.Module):
    """The network as one with frames, behind the projection of its features, and blocks that have full context."""

    def __init__(self, network: Wav2Vec2) -> None:
        super().__init__()
        self.network = network

    @property
    def config(self) -> Wav2Vec2Config:
        """The network's sizes."""
        return self.network.config

    def features(self, samples: Tensor, lengths: Tensor) -> Tensor:
        """The feature encoder on samples (B, N) of lengths (B,), as they were recorded: (B, T, C)."""
        if self.config.normalise_eps is not None:
            samples = normalise_over_time(samples[..., None], lengths, self.config.normalise_eps)[..., 0]
        return self.network.features(samples)

    def subsample(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (B, N), lengths (B,) -> frames (B, T, D), and how many of them are no padding."""
        features = self.features(samples, lengths)
        return self.network.encoder.feature_projection(features), self.config.frames_in(lengths)

    def block_outputs(self, frames: Tensor, lengths: Tensor, chunk_frames: int | None) -> list[Tensor]:
        """Frames (B, T, D) -> the output of each layer; ValueError for chunks, of which these layers know nothing."""
        if chunk_frames is not None:
            raise ValueError("a network on samples has full context only: set chunks = [0] in [optimisation]")
        outputs: list[Tensor] = []
        hooks = [
            layer.register_forward_hook(lambda _module, _inputs, output: outputs.append(output[0]))
            for layer in self.network.encoder.transformer.layers
        ]
        try:
            last = self.network.transform(frames, lengths)
        finally:
            for hook in hooks:
                hook.remove()
        return [*outputs[:-1], last]


def new_network(config: Wav2Vec2Config) -> Wav2Vec2:
    """A random network whose head starts at zero.

    Convolutions by He et al., Delving Deep into Rectifiers (2015), as the reference has them: the usual small ones
    would let the sound fade in seven layers.
    """
    network = Wav2Vec2(config)
    network.aux = zero_linear(config.dim, config.outputs)
    for module in network.feature_extractor.modules():
        if isinstance(module, nn.Conv1d):
            nn.init.kaiming_normal_(module.weight)
    return network


def trainable(config: Wav2Vec2Config, weights: dict[str, Tensor]) -> Wav2Vec2:
    """The network with a checkpoint's weights, to learn on."""
    network = Wav2Vec2(config)
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network
