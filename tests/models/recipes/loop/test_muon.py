"""Muon against torch's own, and its orthogonalisation."""

import pytest
import torch
from torch import nn
from torch.optim import Muon as TorchMuon

from models.recipes.loop.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(24, 24), (16, 48), (48, 16)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(1))))
    assert 0.3 < values.min() < values.max() < 1.3


def test_updates_are_those_of_torch() -> None:
    random = torch.Generator().manual_seed(2)
    ours = [nn.Parameter(torch.randn(shape, generator=random)) for shape in ((32, 8), (8, 32), (16, 16))]
    theirs = [nn.Parameter(matrix.detach().clone()) for matrix in ours]
    optimisers = Muon(ours, 0.01, 0.1), TorchMuon(theirs, 0.01, 0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=random)
            other.grad = mine.grad.clone()
        for optimiser in optimisers:
            optimiser.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=2e-3, rtol=0)  # torch iterates in bfloat16


def test_a_matrix_without_a_gradient_stays() -> None:
    heard, unheard = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4, 4))
    heard.grad = torch.randn(4, 4)
    Muon([heard, unheard], 0.1, 0.1).step()
    assert torch.equal(unheard.detach(), torch.ones(4, 4))
    assert not torch.equal(heard.detach(), torch.ones(4, 4))
