"""A daemon gives memory back when it is idle after work, and not while it works."""

import asyncio
import gc
import weakref

import pytest

from asr_app.daemon import memory


class Knot:
    """A cycle, which counting references does not free."""

    def __init__(self) -> None:
        self.itself = self


def test_once_after_work_that_was_seen_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([(True, 0), (True, 0), (False, 1), (True, 1), (True, 1), (True, 3), (True, 3)])
    given: list[int] = []
    seen = idle = work = 0

    def work_done() -> int:
        nonlocal seen, idle, work
        seen, (idle, work) = seen + 1, next(looks)
        return work

    monkeypatch.setattr(memory, "_LOOK_S", 0.001)
    monkeypatch.setattr(memory, "_give_back", lambda: given.append(seen))
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(memory.keep_small(lambda: bool(idle), work_done))
    assert given == [1, 4, 6]


def test_what_nobody_needs_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.disable()
    try:
        knot = weakref.ref(Knot())
        assert knot() is not None
        memory._give_back()
        assert knot() is None
    finally:
        gc.enable()
