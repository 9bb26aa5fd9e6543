"""A daemon is small between streams: what nobody needs is freed, and what is free is given back."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

_LOOK_S = 5.0


async def keep_small(is_idle: Callable[[], bool], work_done: Callable[[], object]) -> None:
    """Give memory back whenever the daemon is idle after work; for ever.

    work_done: how much there was so far. Most work begins and ends between two looks, so being busy is seldom seen.
    """
    cleared: object = None
    while True:
        done = work_done()
        if is_idle() and done != cleared:
            await asyncio.to_thread(_give_back)
            cleared = done
        await asyncio.sleep(_LOOK_S)


def _give_back() -> None:
    """Cycles that Python's collector leaves for later, then malloc_trim(3), where the C library has it.

    Some 50 MB after loading; then what connections that were broken off hold in their tracebacks.
    """
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
