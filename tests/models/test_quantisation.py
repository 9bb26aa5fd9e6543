"""Weights in 8 bits and back."""

import pytest
import torch

from models.quantisation import dequantise, quantise


def test_every_value_comes_back_to_half_a_step_of_its_row() -> None:
    random = torch.Generator().manual_seed(1)
    weights = {
        "matrix": torch.randn(96, 64, generator=random) * torch.logspace(-3, 1, 96)[:, None],
        "convolution": torch.randn(64, 8, 3, 3, generator=random).half(),
        "norm": torch.randn(9000, generator=random),
        "small": torch.randn(4, 4, generator=random),
    }
    stored = quantise(weights)
    assert stored["matrix"].dtype == stored["convolution"].dtype == torch.int8
    back = dequantise(stored)
    assert back.keys() == weights.keys()
    assert torch.equal(back["norm"], weights["norm"])
    assert torch.equal(back["small"], weights["small"])
    for name in ("matrix", "convolution"):
        rows, wanted = back[name].flatten(1), weights[name].float().flatten(1)
        step = wanted.abs().amax(1, keepdim=True) / 127
        assert ((rows - wanted).abs() <= 0.5001 * step).all()


def test_a_row_of_zeros_stays_zero() -> None:
    assert torch.equal(dequantise(quantise({"w": torch.zeros(64, 64)}))["w"], torch.zeros(64, 64))


def test_a_missing_or_wrong_scale_is_said() -> None:
    stored = quantise({"w": torch.randn(64, 64)})
    with pytest.raises(ValueError, match=r"'w' has no scale"):
        dequantise({"w": stored["w"]})
    with pytest.raises(ValueError, match=r"'w' has no scale"):
        dequantise({"w": stored["w"], "w.scale": torch.ones(3)})
