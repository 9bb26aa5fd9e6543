"""wav2vec 2.0 and its family: feature encoder, context network, CTC head, made of torchaudio's modules.

Baevski et al., wav2vec 2.0 (2020); Hsu et al., HuBERT (2021), which is the same network; Chen et al., WavLM (2022),
with its gated relative position bias; Baevski et al., data2vec (2022), with stacked positional convolutions; and
the language adapters of Pratap et al., Scaling Speech Technology to 1,000+ Languages (2023).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from models.torchaudio_compat import import_torchaudio
from models.wav2vec2_config import Wav2Vec2Config


class Wav2Vec2(nn.Module):
    """A network with a CTC head; its parameters have the names that they have in torchaudio."""

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        network = _network(config)
        self.config = config
        self.feature_extractor, self.encoder, self.aux = network.feature_extractor, network.encoder, network.aux
        if config.position_layers:
            self.encoder.transformer.pos_conv_embed = StackedPositions(config)
        adapted = config.layers if config.adapter_dim else 0
        self.adapters = nn.ModuleList(Adapter(config.dim, config.adapter_dim) for _ in range(adapted))

    def forward(self, samples: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Samples (B, N) as the network wants them -> natural-log probabilities (B, T, V) of the head's outputs.

        lengths (B,): how many samples of each are no padding; None where all are.
        """
        features = self.features(samples)
        return self.log_probs(self.context(features, None if lengths is None else self.config.frames_in(lengths)))

    def normalise(self, samples: Tensor) -> Tensor:
        """Whole utterances (B, N), without padding, as the network wants them."""
        if self.config.normalise_eps is None:
            return samples
        variance, mean = torch.var_mean(samples, -1, correction=0, keepdim=True)
        return (samples - mean) / (variance + self.config.normalise_eps).sqrt()

    def features(self, samples: Tensor) -> Tensor:
        """The feature encoder: samples (B, N) -> (B, T, C)."""
        features: Tensor = self.feature_extractor(samples, None)[0]
        return features

    def context(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The context network: (B, T, C) -> (B, T, D). lengths (B,): how many of the frames are no padding."""
        return self.transform(self.encoder.feature_projection(features), lengths)

    def transform(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """What follows the projection of the features, behind which training masks: (B, T, D) -> (B, T, D)."""
        keys, mask = None, None
        if lengths is not None:
            padding = torch.arange(frames.shape[1], device=frames.device) >= lengths[:, None]  # (B, T)
            frames = frames.masked_fill(padding[..., None], 0.0)
            keys = torch.zeros(padding.shape, device=frames.device).masked_fill(padding, float("-inf"))
            mask = keys[:, None, None].expand(-1, 1, frames.shape[1], -1)  # (B, 1, T, T)
        transformer, bias = self.encoder.transformer, None
        frames = frames + transformer.pos_conv_embed(frames)
        if not self.config.norm_first:
            frames = transformer.layer_norm(frames)
        for number, layer in enumerate(transformer.layers):
            # torchaudio's WavLM wants a mask of the keys, the others one of the attention.
            frames, bias = layer(frames, None if self.config.buckets else mask, bias, keys)
            if self.adapters:
                frames = self.adapters[number](frames)
        return transformer.layer_norm(frames) if self.config.norm_first else frames

    def log_probs(self, frames: Tensor) -> Tensor:
        """The CTC head: (B, T, D) -> natural-log probabilities (B, T, V)."""
        return functional.log_softmax(self.aux(frames).float(), -1)

    def fold_weight_norm(self) -> None:
        """Compute the positional convolution's weights once and for all, for a network that learns no more."""
        if not self.config.position_layers:
            parametrize.remove_parametrizations(self.encoder.transformer.pos_conv_embed.conv, "weight")


class StackedPositions(nn.Module):
    """The relative positions of data2vec-audio: convolutions, each with a layer norm that has no parameters."""

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__()
        kernel = config.position_kernel
        self.layers = nn.ModuleList(
            nn.Conv1d(config.dim, config.dim, kernel, padding=kernel // 2, groups=config.position_groups)
            for _ in range(config.position_layers)
        )

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        length, dim = frames.shape[1:]
        for layer in self.layers:
            mixed = layer(frames.transpose(1, 2))[..., :length].transpose(1, 2)  # an even kernel gives one too many
            frames = functional.gelu(functional.layer_norm(mixed, (dim,)))
        return frames


class Adapter(nn.Module):
    """A bottleneck after a layer, one for each language."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.linear_1 = nn.Linear(dim, hidden)
        self.linear_2 = nn.Linear(hidden, dim)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return frames + self.linear_2(functional.relu(self.linear_1(self.norm(frames))))  # type: ignore[no-any-return]


def _network(config: Wav2Vec2Config) -> Any:
    """torchaudio's model of these sizes, without dropout."""
    models = import_torchaudio().models
    sizes = {
        "extractor_mode": f"{config.feature_norm}_norm",
        "extractor_conv_layer_config": [*config.convolutions],
        "extractor_conv_bias": config.convolution_bias,
        "encoder_embed_dim": config.dim,
        "encoder_projection_dropout": 0.0,
        "encoder_pos_conv_kernel": config.position_kernel,
        "encoder_pos_conv_groups": config.position_groups,
        "encoder_num_layers": config.layers,
        "encoder_num_heads": config.heads,
        "encoder_attention_dropout": 0.0,
        "encoder_ff_interm_features": config.feed_forward,
        "encoder_ff_interm_dropout": 0.0,
        "encoder_dropout": 0.0,
        "encoder_layer_norm_first": config.norm_first,
        "encoder_layer_drop": 0.0,
        "aux_num_out": config.outputs,
    }
    if config.buckets:
        return models.wavlm_model(**sizes, encoder_num_buckets=config.buckets, encoder_max_distance=config.max_distance)
    return models.wav2vec2_model(**sizes)
