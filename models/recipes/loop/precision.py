"""In which precision to train: bfloat16 where it is the faster one."""

import functools
import time

import torch


def autocast(device: torch.device) -> torch.autocast:
    """A context that computes in bfloat16 on a GPU, and on CPUs whose matrix products gain by it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type != "cpu" or _gains())


@functools.cache
def _gains() -> bool:
    """Whether this CPU multiplies matrices faster in bfloat16: with AMX five times, without it often half as fast."""
    return _seconds(torch.bfloat16) < _seconds(torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    """The least of several products of matrices of the size of a batch and a layer."""
    left, right = torch.ones(2048, 256, dtype=dtype), torch.ones(256, 1024, dtype=dtype)
    best = float("inf")
    for _ in range(8):
        started = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - started)
    return best
