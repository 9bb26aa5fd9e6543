"""What a decoder of recordings gives: blocks of samples as they are in the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from asr_app.audio.types import Samples

_VALUES = 1 << 20  # samples of all channels in a block: bounds the memory for any channel count


@dataclass(frozen=True, slots=True)
class Block:
    """A run of decoded samples.

    samples: float32 (n, channels); full scale is 1.
    sample_rate: Hz, as in the file; it may change from block to block.
    """

    samples: Samples
    sample_rate: int


class BlockReader(Protocol):
    """The decoder of one recording: iterate once, then close."""

    @property
    def duration_s(self) -> float | None:
        """Length in seconds as the recording states it, None where it does not."""
        ...

    def __iter__(self) -> Iterator[Block]: ...

    def close(self) -> None:
        """Release the file."""
        ...


def block_frames(sample_rate: int, channels: int) -> int:
    """How many frames to decode at once: a second, fewer where there are many channels."""
    return max(1, min(sample_rate, _VALUES // max(1, channels)))


def shown(path: str | Path) -> str:
    """A file's name as part of a one-line message: escaped where it holds control characters."""
    name = str(path)
    return name if name.isprintable() else ascii(name)


def cut_short(name: str, got_s: float, stated_s: float | None) -> str:
    """The warning about a recording of which only a part can be read."""
    stated = "" if stated_s is None else f" of {stated_s:.1f} s"
    return f"{name} is cut short or damaged: only {got_s:.1f} s{stated} can be read; get a complete copy for the rest"


def silence(frames: int, channels: int) -> Samples:
    """Zeros, float32 (frames, channels)."""
    return np.zeros((frames, channels), np.float32)
