"""What a decoder of recordings gives: blocks of samples as they are in the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from asr_app.audio.types import Samples
from asr_app.errors import ConfigError

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

    @property
    def channels(self) -> int:
        """How many channels its header states."""
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


@dataclass(frozen=True, slots=True)
class Part:
    """What of a recording is heard.

    channel: the one, counted from 1; None is the mean of all.
    start_s, end_s: seconds from the recording's start; end_s None is its end.

    Raises ConfigError for what no recording has.
    """

    channel: int | None = None
    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self) -> None:
        if self.channel is not None and self.channel < 1:
            raise ConfigError(f"there is no channel {self.channel}: channels are counted from 1")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ConfigError(f"nothing lies between {self.start_s:g} s and {self.end_s:g} s: give a later end")


def between(blocks: Iterable[Block], start_s: float, end_s: float | None) -> Iterator[Block]:
    """What of blocks lies between two times, in seconds from the first one's start; no more than that is decoded."""
    clock_s = 0.0
    for block in blocks:
        rate = block.sample_rate
        first = max(0, round((start_s - clock_s) * rate))
        last = len(block.samples) if end_s is None else round((end_s - clock_s) * rate)
        clock_s += len(block.samples) / rate
        if first < min(last, len(block.samples)):
            yield Block(block.samples[first:last], rate)
        if end_s is not None and clock_s >= end_s:
            return


def silence(frames: int, channels: int) -> Samples:
    """Zeros, float32 (frames, channels)."""
    return np.zeros((frames, channels), np.float32)
