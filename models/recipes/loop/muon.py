"""Muon: momentum made orthogonal (Jordan, https://kellerjordan.github.io/posts/muon, 2024), shared among ranks."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, distributed
from torch.optim import Optimizer

_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """About the nearest matrix (M, N) with singular values of one: a quintic Newton-Schulz iteration.

    In the matrix's own precision: bfloat16 is the slower one on many CPUs.
    """
    a, b, c = _QUINTIC
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / wide.norm().clamp_min(1e-7)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = torch.addmm(wide, torch.addmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide.T if matrix.shape[0] > matrix.shape[1] else wide


class Muon(Optimizer):
    """Nesterov momentum of matrices (M, N), orthogonalised, with AdamW's root mean square (Liu et al., 2025).

    Ranks that train together orthogonalise a share of the matrices each, and tell each other: it is a third of a
    step on two cores.
    """

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            matrices = [matrix for matrix in group["params"] if matrix.grad is not None]
            if not matrices:
                continue
            updates = _together([self._momentum(matrix, group["momentum"]) for matrix in matrices])
            for matrix, update in zip(matrices, updates, strict=True):
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(update, alpha=-0.2 * math.sqrt(max(matrix.shape)) * group["lr"])

    def _momentum(self, matrix: Tensor, momentum: float) -> Tensor:
        gradient = matrix.grad
        assert gradient is not None
        state = self.state[matrix]
        buffer: Tensor = state.setdefault("momentum_buffer", torch.zeros_like(gradient))
        buffer.lerp_(gradient, 1 - momentum)
        return gradient.lerp(buffer, momentum)


def _together(matrices: list[Tensor]) -> list[Tensor]:
    """Every matrix orthogonalised, by one of the ranks each."""
    if not distributed.is_initialized() or distributed.get_world_size() == 1:
        return [orthogonalise(matrix) for matrix in matrices]
    work = [0] * distributed.get_world_size()
    flat = torch.zeros(sum(matrix.numel() for matrix in matrices), device=matrices[0].device)
    places = torch.split(flat, [matrix.numel() for matrix in matrices])
    for matrix, place in zip(matrices, places, strict=True):
        owner = work.index(min(work))
        work[owner] += matrix.numel() * min(matrix.shape)
        if owner == distributed.get_rank():
            place.copy_(orthogonalise(matrix).reshape(-1))
    distributed.all_reduce(flat)
    return [place.view_as(matrix) for place, matrix in zip(places, matrices, strict=True)]
