"""A daemon is small between streams: what nobody needs is freed, and what is free is given back."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

_LOOK_S = 5.0


async def keep_small(is_idle: Callable[[], bool]) -> None:
    """Give memory back once each time that the daemon falls idle; for ever."""
    was_idle = False
    while True:
        idle = is_idle()
        if idle and not was_idle:
            await asyncio.to_thread(_give_back)
        was_idle = idle
        await asyncio.sleep(_LOOK_S)


def _give_back() -> None:
    """Cycles that Python's collector leaves for later, then malloc_trim(3), where the C library has it.

    Some 50 MB after loading; then what connections that were broken off hold in their tracebacks.
    """
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
