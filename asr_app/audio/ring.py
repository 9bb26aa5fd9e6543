"""What stands between the audio callback and the program: a ring of samples without locks."""

import numpy as np
import numpy.typing as npt

from asr_app.audio.types import Samples


class RingBuffer:
    """Frames from one thread that writes to one that reads.

    Two counters that only grow say what is in it: the writer alone moves `written`, the reader alone `read`. What does
    not fit is lost, and so is all that comes after it until the reader has been told: so a loss lies where the
    reader finds it, after everything that it has read so far.
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        """capacity: frames, all of them allocated here."""
        self._frames: Samples = np.zeros((capacity, channels), np.float32)
        self._capacity = capacity
        self._written = self._read = 0
        self._lost = self._told = 0

    @property
    def received(self) -> int:
        """All frames that were ever offered, kept or lost."""
        return self._written + self._lost

    @property
    def waiting(self) -> int:
        """Frames that were written and not yet read."""
        return self._written - self._read

    def write(self, frames: npt.NDArray[np.float32]) -> None:
        """Copy frames (n, channels), all or none of them; called by one thread only, and never waits."""
        count = len(frames)
        if self._lost != self._told or count > self._capacity - (self._written - self._read):
            self.lose(count)
            return
        start = self._written % self._capacity
        first = min(count, self._capacity - start)
        self._frames[start : start + first] = frames[:first]
        self._frames[: count - first] = frames[first:]
        self._written += count  # only now may the reader look at them

    def lose(self, count: int) -> None:
        """Count frames that were lost before they came here; called by the writer, none for less than 1."""
        self._lost += max(0, count)

    def read(self) -> tuple[Samples, int]:
        """All frames (n, channels) that are there, as a copy, and how many were lost after them."""
        lost = self._lost  # before `written`: once something is lost, nothing is written until that was told
        written, start = self._written, self._read % self._capacity
        count = written - self._read
        first = min(count, self._capacity - start)
        frames = np.concatenate((self._frames[start : start + first], self._frames[: count - first]))
        untold = lost - self._told
        self._read = written  # before `told`: the writer goes on after that, and finds the room
        self._told = lost
        return frames, untold
