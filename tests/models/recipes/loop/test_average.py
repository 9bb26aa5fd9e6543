import torch
from torch import nn

from models.recipes.loop.average import Average


def test_the_average_follows_the_weights_quickly_at_first() -> None:
    module = nn.Linear(2, 2)
    average = Average(module, decay=0.9)
    nn.init.zeros_(module.weight)
    first = average.weights["weight"].clone()
    average.follow(0)
    torch.testing.assert_close(average.weights["weight"], first / 10)
    average.follow(1000)
    torch.testing.assert_close(average.weights["weight"], first / 10 * 0.9)


def test_matrices_are_shipped_in_16_bits() -> None:
    shipped = Average(nn.Linear(2, 2), decay=0.9).shipped()
    assert (shipped["weight"].dtype, shipped["bias"].dtype) == (torch.float16, torch.float32)
