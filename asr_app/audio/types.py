"""What audio looks like inside the program."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A run of mono samples of one stream.

    samples: float32 (n,), in [-1, 1].
    sample_rate: Hz.
    start_sample: absolute position of samples[0] in the stream, in samples.
    dropped_before: samples that were lost just before this chunk (already counted in start_sample).
    """

    samples: Samples
    sample_rate: int
    start_sample: int
    dropped_before: int = 0


class AudioSource(Protocol):
    """A stream of mono audio; use as a context manager, then iterate."""

    @property
    def sample_rate(self) -> int:
        """Hz of every chunk."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[AudioChunk]: ...
