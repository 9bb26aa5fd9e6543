"""The ring: what is read is what was written, and what is missing is counted where it is missing."""

import threading
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_app.audio.ring import RingBuffer


def ramp(start: int, count: int) -> np.ndarray:
    """Frames (count, 1) that hold their own positions."""
    return np.arange(start, start + count, dtype=np.float32)[:, None]


def drained(ring: RingBuffer, at: int) -> int:
    """Read all that waits, from a position on, and look at it; the position after it."""
    while ring.waiting:
        lost, frames = ring.read()
        np.testing.assert_array_equal(frames, ramp(at + lost, len(frames)))
        at += lost + len(frames)
    return at


@settings(deadline=None)
@given(st.integers(1, 40), st.lists(st.one_of(st.integers(0, 50), st.sampled_from(["read", "lose"])), max_size=60))
def test_every_frame_is_read_or_counted(capacity: int, actions: list[int | str]) -> None:
    ring, offered, read = RingBuffer(capacity), 0, 0
    for action in actions:
        if action == "read":
            read = drained(ring, read)
        elif action == "lose":
            ring.lose(3)
            offered += 3
        elif isinstance(action, int):
            ring.write(ramp(offered, action))
            offered += action
        assert ring.received == offered
    read = drained(ring, read)
    ring.write(ramp(offered, 1))  # what was lost is told with what comes after it
    assert drained(ring, read) == offered + 1


def test_what_fits_is_kept() -> None:
    ring = RingBuffer(10)
    for start in range(0, 100, 5):
        ring.write(ramp(start, 5))
        ring.write(ramp(start, 5))
        lost, frames = ring.read()
        assert (lost, len(frames)) == (0, 10)


def test_what_comes_after_a_loss_is_kept() -> None:
    ring = RingBuffer(4)
    ring.write(ramp(0, 2))
    ring.lose(5)
    ring.write(ramp(7, 1))
    ring.write(ramp(8, 2))  # does not fit
    ring.write(ramp(10, 1))
    told = [ring.read() for _ in range(4)]
    assert [(lost, frames[:, 0].tolist()) for lost, frames in told] == [(0, [0, 1]), (5, [7]), (2, [10]), (0, [])]


def test_channels_stay_side_by_side() -> None:
    ring = RingBuffer(4, 2)
    frames = np.arange(6, dtype=np.float32).reshape(3, 2)
    for _ in range(3):
        ring.write(frames)
        np.testing.assert_array_equal(ring.read()[1], frames)


def test_a_writer_and_a_reader_at_once() -> None:
    ring, total, random = RingBuffer(700), 200_000, np.random.default_rng(1)
    sizes = random.integers(1, 300, 2 * total // 150)

    def write() -> None:
        at = 0
        for size in sizes:
            ring.write(ramp(at, size))
            at += size
            if size % 8 == 0:
                time.sleep(0)

    writer = threading.Thread(target=write)
    writer.start()
    at = 0
    while writer.is_alive() or ring.waiting:
        at = drained(ring, at)
    writer.join()
    ring.write(ramp(sizes.sum(), 1))
    assert drained(ring, at) == sizes.sum() + 1
