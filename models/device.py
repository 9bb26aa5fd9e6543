"""What a GPU wants otherwise than a CPU: half precision, pinned memory, work that is recorded and not launched anew."""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

Batched = Callable[..., tuple[Tensor, ...]]
"""A function of tensors whose first axis is the batch, and whose rows do not touch each other."""

_WARM_UP = 3
"""Runs before a recording, in which libraries choose their kernels: torch.cuda.graph's documentation."""

_MOST_GRAPHS = 24


def half_precision(device: torch.device) -> AbstractContextManager[object]:
    """Matrix products in bfloat16 on a CUDA device (float16 where it has no bfloat16), in float32 elsewhere.

    Casts are not cached: a recorded graph would replay those of weights that are gone.
    """
    if device.type != "cuda":
        return nullcontext()
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.autocast("cuda", dtype, cache_enabled=False)


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on a device; to CUDA by way of pinned memory, so that nobody waits for the copy."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a device's memory is full; cuBLAS and Apple's MPS say so in the words of a RuntimeError."""
    said = str(error).lower()
    words = ("out of memory", "alloc_failed")
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in said for word in words)
    )


class CudaGraphs:
    """A function that is recorded once for each shape of its inputs and then replayed, which saves its launches.

    For work that comes again and again in few shapes: batches are filled up to powers of two. Without CUDA, and where
    a recording fails, the function is called as it is. Any thread may call; one at a time is served.
    """

    def __init__(self, function: Batched) -> None:
        self._function = function
        self._graphs: dict[tuple[torch.Size, ...], _Graph] = {}
        self._pool: Any = None
        self._lock = threading.Lock()
        self._records = True

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the function makes of inputs (B, ...), all on one device."""
        if inputs[0].device.type != "cuda" or not self._records:
            return self._function(*inputs)
        rows = len(inputs[0])
        filled = tuple(_filled(one, 1 << (rows - 1).bit_length()) for one in inputs)
        with self._lock:
            graph = self._graph(filled)
            outputs = graph.replay(filled) if graph else self._function(*inputs)
        return tuple(one[:rows] for one in outputs)

    def _graph(self, inputs: tuple[Tensor, ...]) -> "_Graph | None":
        """The recording for inputs of these shapes; None where there is none."""
        shapes = tuple(one.shape for one in inputs)
        if shapes not in self._graphs and len(self._graphs) < _MOST_GRAPHS:
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            try:
                self._graphs[shapes] = _Graph(self._function, inputs, self._pool)
            except RuntimeError as error:
                if is_out_of_memory(error):
                    raise
                logger.info("CUDA graphs are not used: %s", error)
                self._records = False
        return self._graphs.get(shapes)


class _Graph:
    """One recording, with the tensors that it reads and writes.

    Recordings share their memory: one is replayed at a time, and what it gives is copied at once.
    """

    def __init__(self, function: Batched, inputs: tuple[Tensor, ...], pool: Any) -> None:
        self._inputs = tuple(one.clone() for one in inputs)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                function(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):  # others may use the GPU
            self._outputs = function(*self._inputs)

    def replay(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The outputs for other inputs of the same shapes."""
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._graph.replay()
        return tuple(one.clone() for one in self._outputs)


def _filled(tensor: Tensor, rows: int) -> Tensor:
    """A batch with copies of its last row, up to so many rows."""
    missing = rows - len(tensor)
    return torch.cat([tensor, tensor[-1:].expand(missing, *tensor.shape[1:])]) if missing else tensor
