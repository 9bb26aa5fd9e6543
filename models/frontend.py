"""Log-mel front end: framing, window, DFT, mel filterbank, logarithm; whole recordings or streams.

Formulas: Young et al., The HTK Book (3.4), sections 5.2 and 5.4. The settings cover Kaldi's
`compute-fbank-feats` and torchaudio's `MelSpectrogram(center=False)`, to which the tests compare it.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

WindowName = Literal["hann", "hamming", "rectangular"]
FilterScale = Literal["mel", "hertz"]


@dataclass(frozen=True, slots=True)
class FrontendConfig:
    """Settings of the front end; they travel inside the checkpoint.

    sample_rate: Hz. frame_length, hop_length: samples. fft_length: samples, at least frame_length.
    periodic_window: divide by N (torchaudio) instead of N - 1 (Kaldi) in the window's cosine.
    filter_scale: whether the filters are triangles over mel (Kaldi) or over hertz (torchaudio).
    log_floor: mel energies are clamped to it before the natural logarithm.
    """

    sample_rate: int = 16000
    frame_length: int = 400
    hop_length: int = 160
    fft_length: int = 512
    window: WindowName = "hann"
    periodic_window: bool = False
    preemphasis: float = 0.97
    remove_dc_offset: bool = True
    num_mels: int = 80
    low_hz: float = 20.0
    high_hz: float = 7600.0
    filter_scale: FilterScale = "mel"
    log_floor: float = 1e-7

    def __post_init__(self) -> None:
        """Raise ValueError for settings that make no finite features."""
        sizes = (self.sample_rate, self.frame_length, self.hop_length, self.fft_length, self.num_mels)
        if not all(type(size) is int and size > 0 for size in sizes):
            raise ValueError("the front end's sample rate, lengths and number of filters must be whole and above 0")
        if not self.hop_length <= self.frame_length <= self.fft_length:
            raise ValueError("the front end needs hop_length <= frame_length <= fft_length")
        if self.window not in get_args(WindowName) or self.filter_scale not in get_args(FilterScale):
            raise ValueError(f"unknown window {self.window!r} or filter scale {self.filter_scale!r}")
        if not 0 <= self.low_hz < self.high_hz < math.inf:
            raise ValueError("the front end needs 0 <= low_hz < high_hz")
        if not (0 <= self.preemphasis <= 1 and 0 < self.log_floor < math.inf):
            raise ValueError("the front end needs a preemphasis of 0 to 1 and a log_floor above 0")


def hertz_to_mel(hertz: float) -> float:
    """O'Shaughnessy's mel scale, as in the HTK book (5.13)."""
    return 1127.0 * math.log(1.0 + hertz / 700.0)


def make_window(name: WindowName, length: int, *, periodic: bool) -> Tensor:
    """Analysis window (length,), symmetric unless periodic."""
    if name == "rectangular":
        return torch.ones(length)
    make = torch.hann_window if name == "hann" else torch.hamming_window
    return make(length, periodic=periodic, dtype=torch.float64).float()


def mel_filterbank(config: FrontendConfig) -> Tensor:
    """Triangular filters (fft_length // 2 + 1, num_mels) with peak 1, spaced evenly on the mel scale."""
    hertz = torch.linspace(0, config.sample_rate / 2, config.fft_length // 2 + 1, dtype=torch.float64)
    mels = torch.linspace(
        hertz_to_mel(config.low_hz), hertz_to_mel(config.high_hz), config.num_mels + 2, dtype=torch.float64
    )
    if config.filter_scale == "mel":
        bins, edges = 1127.0 * torch.log1p(hertz / 700.0), mels
    else:
        bins, edges = hertz, 700.0 * torch.expm1(mels / 1127.0)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - left) / (centre - left)
    falling = (right - bins[:, None]) / (right - centre)
    return torch.minimum(rising, falling).clamp_min(0).float()


class Frontend(nn.Module):
    """Waveform to log-mel features; holds no stream state."""

    window: Tensor
    filters: Tensor

    def __init__(self, config: FrontendConfig) -> None:
        super().__init__()
        self.config = config
        window = make_window(config.window, config.frame_length, periodic=config.periodic_window)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", mel_filterbank(config), persistent=False)

    def frames_in(self, samples: int) -> int:
        """How many whole frames lie in so many samples."""
        return max(0, 1 + (samples - self.config.frame_length) // self.config.hop_length)

    def samples_in(self, seconds: float) -> int:
        """How many samples last so long."""
        return int(seconds * self.config.sample_rate)

    def forward(self, samples: Tensor) -> Tensor:
        """Features of whole recordings: (..., N) samples in [-1, 1] to (..., T, num_mels)."""
        if samples.shape[-1] < self.config.frame_length:
            return samples.new_zeros(*samples.shape[:-1], 0, self.config.num_mels)
        frames = samples.unfold(-1, self.config.frame_length, self.config.hop_length)  # (..., T, frame_length)
        if self.config.remove_dc_offset:
            frames = frames - frames.mean(-1, keepdim=True)
        if self.config.preemphasis:
            before = torch.cat([frames[..., :1], frames[..., :-1]], -1)
            frames = frames - self.config.preemphasis * before
        spectrum = torch.fft.rfft(frames * self.window, n=self.config.fft_length)
        power = spectrum.real.square() + spectrum.imag.square()  # (..., T, fft_length // 2 + 1)
        energies: Tensor = power @ self.filters
        return energies.clamp_min(self.config.log_floor).log()

    def init_state(self) -> Tensor:
        """State of one stream at its start: the samples (r,) that later frames still need."""
        return self.window.new_zeros(0)

    def step(self, samples: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Features (T, num_mels) of the frames that samples (n,) complete, and the next state."""
        pending = torch.cat([state, samples])
        features = self(pending)
        return features, pending[features.shape[0] * self.config.hop_length :]
