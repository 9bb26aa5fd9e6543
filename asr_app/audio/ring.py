"""What stands between the audio callback and the program: a ring of samples without locks."""

from collections import deque

import numpy as np
import numpy.typing as npt

from asr_app.audio.types import Samples


class RingBuffer:
    """Frames from one thread that writes to one that reads.

    Two counters that only grow say what is in it: the writer alone moves `written`, the reader alone `read`. What does
    not fit is lost. A loss is noted with the frames that come after it, at their place: so nothing but what was lost is
    missing, and there are never more notes than blocks.
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        """capacity: frames, all of them allocated here."""
        self._frames: Samples = np.zeros((capacity, channels), np.float32)
        self._capacity = capacity
        self._written = self._read = 0
        self._losses: deque[tuple[int, int]] = deque()  # where, and how many; both ends may move at the same time
        self._lost = self._noted = 0  # the writer's

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
        if count > self._capacity - self.waiting:
            self.lose(count)
            return
        if self._lost > self._noted:
            self._losses.append((self._written, self._lost - self._noted))
            self._noted = self._lost
        start = self._written % self._capacity
        first = min(count, self._capacity - start)
        self._frames[start : start + first] = frames[:first]
        self._frames[: count - first] = frames[first:]
        self._written += count  # only now may the reader look at them

    def lose(self, count: int) -> None:
        """Count frames that were lost before they came here; called by the writer, none for less than 1."""
        self._lost += max(0, count)

    def read(self) -> tuple[int, Samples]:
        """How many frames were lost, and those (n, channels) after them up to the next loss, as a copy.

        None of either where none waits.
        """
        end, lost = self._written, 0  # before the losses: those before this place are noted
        if self._losses and self._losses[0][0] == self._read < end:
            _, lost = self._losses.popleft()
        if self._losses:
            end = min(end, self._losses[0][0])
        start, count = self._read % self._capacity, end - self._read
        first = min(count, self._capacity - start)
        frames = np.concatenate((self._frames[start : start + first], self._frames[: count - first]))
        self._read = end  # only now may the writer use their room
        return lost, frames
