"""Data-parallel training: one process a device, started by torchrun; alone without it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True)
class Rank:
    """This process among those that train together: its number, how many they are, its device."""

    device: torch.device
    number: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes."""
        return self.number == 0

    def share(self, module: nn.Module) -> nn.Module:
        """The module, with weights of the first rank and gradients that are the mean of all ranks'."""
        if self.count == 1:
            return module
        # a batch without transcripts leaves the heads unused, one without targets the projection
        return DistributedDataParallel(module, broadcast_buffers=False, find_unused_parameters=True)

    def generator(self, random: np.random.Generator) -> torch.Generator:
        """A generator on its device, which draws otherwise than the other ranks'."""
        return torch.Generator(self.device).manual_seed(int(random.integers(2**62)) + self.number)

    def total(self, value: float) -> float:
        """The sum of every rank's value."""
        if self.count == 1:
            return value
        summed = torch.tensor(value, dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return summed.item()


@contextmanager
def joined(device: torch.device) -> Iterator[Rank]:
    """This process's rank while all of them are connected; alone where no launcher says that there are others.

    torchrun says it, as other launchers do, in RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.
    """
    if "WORLD_SIZE" not in os.environ:
        yield Rank(device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Rank(device, distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()
