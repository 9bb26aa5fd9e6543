"""Silero's voice activity network (version 6, 16 kHz) in numpy: the chance of speech in each 32 ms.

The package silero-vad is used for its weights alone, which are a safetensors file: importing it would load torch and
set torch's threads for the whole program, and its TorchScript model is code.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from asr_app.audio.types import Samples
from asr_app.errors import CheckpointError

SAMPLE_RATE: Final = 16_000
FRAME: Final = 512
"""Samples of a frame."""

_CONTEXT, _PAD = 64, 64  # samples of the frame before, and mirrored after the frame
_WINDOW, _HOP, _BINS = 256, 128, 129  # of the network's own short-time Fourier transform
_TAPS = 3
_STRIDES = {"conv1": 1, "conv2": 2, "conv3": 2, "conv4": 1}
_STATE = 128

Weights = dict[str, npt.NDArray[np.float32]]


class SileroVad:
    """The network on one stream."""

    def __init__(self) -> None:
        """Raises CheckpointError where the package with the weights is not installed."""
        self._weights = _load_weights()
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        self._context: Samples = np.zeros(_CONTEXT, np.float32)
        self._hidden: Samples = np.zeros(_STATE, np.float32)
        self._cell: Samples = np.zeros(_STATE, np.float32)

    def probability(self, samples: Samples) -> float:
        """The chance that there is speech in the next frame of the stream, samples (FRAME,)."""
        joined = np.concatenate((self._context, samples))
        self._context = joined[-_CONTEXT:]
        features = self._spectrum(np.concatenate((joined, joined[-2 : -2 - _PAD : -1])))
        for name, stride in _STRIDES.items():
            features = self._convolve(name, features, stride)
        self._step(features[:, 0])
        weights = self._weights
        chance = _sigmoid(weights["final_conv.weight"] @ np.maximum(self._hidden, 0) + weights["final_conv.bias"])
        return float(chance[0])

    def _spectrum(self, samples: Samples) -> Samples:
        """Magnitudes (bins, T)."""
        windows = np.stack([samples[at : at + _WINDOW] for at in range(0, len(samples) - _WINDOW + 1, _HOP)])
        transformed = self._weights["stft_conv.weight"] @ windows.T
        magnitudes: Samples = np.sqrt(transformed[:_BINS] ** 2 + transformed[_BINS:] ** 2)
        return magnitudes

    def _convolve(self, name: str, inputs: Samples, stride: int) -> Samples:
        """A convolution (C, T) -> (C', T / stride) with zeros around, and its rectifier."""
        channels, length = inputs.shape
        padded = np.zeros((channels, length + 2), np.float32)
        padded[:, 1:-1] = inputs
        columns = np.concatenate([padded[:, tap : tap + length : stride] for tap in range(_TAPS)])
        output: Samples = self._weights[f"{name}.weight"] @ columns + self._weights[f"{name}.bias"][:, None]
        return np.maximum(output, 0, out=output)

    def _step(self, inputs: Samples) -> None:
        """One step of the long short-term memory; its gates are in torch's order."""
        weights = self._weights
        gates = weights["lstm_cell.weight_ih"] @ inputs + weights["lstm_cell.weight_hh"] @ self._hidden
        gates += weights["lstm_cell.bias_ih"] + weights["lstm_cell.bias_hh"]
        entry, forget, candidate, output = gates.reshape(4, -1)
        self._cell = _sigmoid(forget) * self._cell + _sigmoid(entry) * np.tanh(candidate)
        self._hidden = _sigmoid(output) * np.tanh(self._cell)


@cache
def _load_weights() -> Weights:
    """The tensors; convolutions as matrices (C', taps * C)."""
    from safetensors.numpy import load_file

    package = importlib.util.find_spec("silero_vad")  # finds it without importing it
    if package is None or package.origin is None:
        raise CheckpointError("no voice activity model: install it with `pip install silero-vad`")
    tensors: Weights = load_file(Path(package.origin).parent / "data" / "silero_vad_16k.safetensors")
    return {
        name: np.ascontiguousarray(np.swapaxes(tensor, 1, 2).reshape(len(tensor), -1)) if tensor.ndim == 3 else tensor
        for name, tensor in tensors.items()
    }


def _sigmoid(values: Samples) -> Samples:
    chances: Samples = 0.5 * (1.0 + np.tanh(0.5 * values))
    return chances
