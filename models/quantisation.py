"""Weights in 8 bits: each row of a matrix as whole numbers and one scale, half the size of 16-bit floats.

For storage: they are floats again when they are loaded, so nothing else knows of it.
"""

import torch
from torch import Tensor

_SCALE = ".scale"
_SMALLEST = 4096
"""Elements; smaller tensors, the norms and biases among them, are not worth the error."""


def quantise(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Large matrices as int8 in [-127, 127] and, under NAME.scale, float32 (rows,); the others as they are."""
    quantised: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if tensor.dim() < 2 or tensor.numel() < _SMALLEST:
            quantised[name] = tensor
            continue
        rows = tensor.float().flatten(1)
        scale = rows.abs().amax(1).clamp_min(1e-12) / 127
        quantised[name] = (rows / scale[:, None]).round().to(torch.int8).view_as(tensor)
        quantised[name + _SCALE] = scale
    return quantised


def dequantise(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of quantise, to half a step of each row; ValueError for a scale that does not fit its tensor."""
    weights: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        if name.endswith(_SCALE):
            continue
        if tensor.dtype is not torch.int8:
            weights[name] = tensor
            continue
        scale = stored.get(name + _SCALE)
        if scale is None or scale.shape != tensor.shape[:1]:
            raise ValueError(f"the 8-bit tensor {name!r} has no scale for each of its rows")
        weights[name] = tensor.float() * scale.reshape(-1, *(1 for _ in tensor.shape[1:]))
    return weights
