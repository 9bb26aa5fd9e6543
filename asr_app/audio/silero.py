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

    def probabilities(self, frames: Samples) -> Samples:
        """The chances (N,) that there is speech in each of the stream's next frames (N, FRAME).

        Several frames at once cost little more than one: the weights, and not the arithmetic, are what takes time.
        """
        before = np.concatenate((self._context[None], frames[:-1, -_CONTEXT:]))
        self._context = frames[-1, -_CONTEXT:]
        features = self._spectrum(np.concatenate((before, frames, frames[:, -2 : -2 - _PAD : -1]), axis=1))
        for name, stride in _STRIDES.items():
            features = self._convolve(name, features, stride)
        entries = self._linear("lstm_cell.weight_ih", features[..., 0]) + self._weights["lstm_cell.bias"][:, None]
        hidden = np.stack([self._step(entry) for entry in entries.T], axis=1)
        logits = self._linear("final_conv.weight", np.maximum(hidden, 0)) + self._weights["final_conv.bias"]
        return _sigmoid(logits[0])

    def _spectrum(self, samples: Samples) -> Samples:
        """Magnitudes (bins, N, T) of padded frames (N, samples)."""
        starts = range(0, samples.shape[1] - _WINDOW + 1, _HOP)
        windows = np.stack([samples[:, start : start + _WINDOW] for start in starts], axis=1)
        transformed = self._linear("stft_conv.weight", windows.transpose(2, 0, 1))
        magnitudes: Samples = np.sqrt(transformed[:_BINS] ** 2 + transformed[_BINS:] ** 2)
        return magnitudes

    def _convolve(self, name: str, inputs: Samples, stride: int) -> Samples:
        """A convolution (C, N, T) -> (C', N, T / stride) with zeros around, and its rectifier."""
        channels, frames, length = inputs.shape
        padded = np.zeros((channels, frames, length + 2), np.float32)
        padded[..., 1:-1] = inputs
        windows = np.concatenate([padded[..., tap : tap + length : stride] for tap in range(_TAPS)])
        outputs = self._linear(f"{name}.weight", windows)
        outputs += self._weights[f"{name}.bias"][:, None, None]
        return np.maximum(outputs, 0, out=outputs)

    def _step(self, entry: Samples) -> Samples:
        """One step of the long short-term memory, whose gates are in torch's order; entry: the input's part of them."""
        gates = entry + self._weights["lstm_cell.weight_hh"] @ self._hidden
        chances = _sigmoid(gates)
        into, forget, out = chances[:_STATE], chances[_STATE : 2 * _STATE], chances[3 * _STATE :]
        self._cell = forget * self._cell + into * np.tanh(gates[2 * _STATE : 3 * _STATE])
        self._hidden = out * np.tanh(self._cell)
        return self._hidden

    def _linear(self, name: str, inputs: Samples) -> Samples:
        """A matrix by many vectors (C, ...) -> (C', ...), in one multiplication."""
        outputs: Samples = self._weights[name] @ inputs.reshape(len(inputs), -1)
        return outputs.reshape(-1, *inputs.shape[1:])


@cache
def _load_weights() -> Weights:
    """The tensors; convolutions as matrices (C', taps * C), and one bias of the long short-term memory."""
    from safetensors.numpy import load_file

    package = importlib.util.find_spec("silero_vad")  # finds it without importing it
    if package is None or package.origin is None:
        raise CheckpointError("no voice activity model: install it with `pip install silero-vad`")
    tensors: Weights = load_file(Path(package.origin).parent / "data" / "silero_vad_16k.safetensors")
    tensors["lstm_cell.bias"] = tensors["lstm_cell.bias_ih"] + tensors["lstm_cell.bias_hh"]
    return {
        name: np.ascontiguousarray(np.swapaxes(tensor, 1, 2).reshape(len(tensor), -1)) if tensor.ndim == 3 else tensor
        for name, tensor in tensors.items()
    }


def _sigmoid(values: Samples) -> Samples:
    chances: Samples = 0.5 * (1.0 + np.tanh(0.5 * values))
    return chances
