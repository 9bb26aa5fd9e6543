"""Events on their way to one reader in the event loop, from any thread, bounded."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from asr_app.errors import DaemonError
from asr_app.events import Event, Partial, Transcript


class Outbox:
    """A Listener of engine streams, to be made and iterated in the event loop.

    A partial that was not taken gives way to what follows it in its segment. Nothing else is ever left out: a reader
    that is further behind than the limit is given up, and its iteration raises DaemonError.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._waiting: deque[Event] = deque()
        self._closed = self._overflowed = False

    def put(self, event: Event) -> None:
        """Add an event; from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody reads any more
            self._loop.call_soon_threadsafe(self._add, event)

    def close(self) -> None:
        """Let the iteration end after what waits; from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while not self._overflowed:
            if self._waiting:
                yield self._waiting.popleft()
            elif self._closed:
                return
            else:
                self._changed.clear()
                await self._changed.wait()
        raise DaemonError(f"more than {self._limit} events were not taken: read faster")

    def _add(self, event: Event) -> None:
        if self._closed or self._overflowed:
            return
        if isinstance(event, Transcript) and self._waiting and _is_stale(self._waiting[-1], event):
            self._waiting.pop()
        self._waiting.append(event)
        self._overflowed = len(self._waiting) > self._limit
        self._changed.set()

    def _end(self) -> None:
        self._closed = True
        self._changed.set()


def _is_stale(last: Event, event: Transcript) -> bool:
    """Whether the last event that waits is a partial that another takes the place of."""
    return isinstance(last, Partial) and last.segment_id == event.segment_id
