"""A daemon gives memory back when it falls idle, and not while it works."""

import asyncio
import gc
import weakref

import pytest

from asr_app.daemon import memory


class Knot:
    """A cycle, which counting references does not free."""

    def __init__(self) -> None:
        self.itself = self


def test_once_each_time_that_it_falls_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([True, True, False, False, True, True])
    given: list[int] = []
    seen = 0

    def is_idle() -> bool:
        nonlocal seen
        seen += 1
        return next(looks)

    monkeypatch.setattr(memory, "_LOOK_S", 0.001)
    monkeypatch.setattr(memory, "_give_back", lambda: given.append(seen))
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(memory.keep_small(is_idle))
    assert given == [1, 5]


def test_what_nobody_needs_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.disable()
    try:
        knot = weakref.ref(Knot())
        assert knot() is not None
        memory._give_back()
        assert knot() is None
    finally:
        gc.enable()
