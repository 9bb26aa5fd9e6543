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


@settings(deadline=None)
@given(st.integers(1, 40), st.lists(st.one_of(st.integers(0, 50), st.just("read")), max_size=60))
def test_every_frame_is_read_or_counted(capacity: int, actions: list[int | str]) -> None:
    ring, offered, expected = RingBuffer(capacity), 0, 0
    for action in [*actions, "read", "read"]:
        if isinstance(action, int):
            ring.write(ramp(offered, action))
            offered += action
            continue
        frames, lost = ring.read()
        np.testing.assert_array_equal(frames, ramp(expected, len(frames)))
        expected += len(frames) + lost
        assert expected == offered == ring.received
        assert ring.waiting == 0


def test_what_fits_is_kept() -> None:
    ring = RingBuffer(10)
    for start in range(0, 100, 5):
        ring.write(ramp(start, 5))
        ring.write(ramp(start, 5))
        frames, lost = ring.read()
        assert (len(frames), lost) == (10, 0)


def test_a_loss_ends_when_it_was_told() -> None:
    ring = RingBuffer(4)
    ring.write(ramp(0, 3))
    ring.write(ramp(3, 2))  # does not fit
    ring.write(ramp(5, 1))  # would, but then the loss had no place
    frames, lost = ring.read()
    assert (frames[:, 0].tolist(), lost) == ([0, 1, 2], 3)
    ring.write(ramp(6, 4))
    frames, lost = ring.read()
    assert (frames[:, 0].tolist(), lost) == ([6, 7, 8, 9], 0)


def test_channels_stay_side_by_side() -> None:
    ring = RingBuffer(4, 2)
    frames = np.arange(6, dtype=np.float32).reshape(3, 2)
    for _ in range(3):
        ring.write(frames)
        np.testing.assert_array_equal(ring.read()[0], frames)


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
    at = losses = 0
    while writer.is_alive() or ring.waiting or at < ring.received:
        frames, lost = ring.read()
        np.testing.assert_array_equal(frames, ramp(at, len(frames)))
        at += len(frames) + lost
        losses += lost > 0
    assert at == sizes.sum()
    writer.join()
