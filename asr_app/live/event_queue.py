"""Events from the thread that recognises to the one that shows them."""

import threading
from collections import deque
from collections.abc import Iterator

from asr_app.events import Event, Partial, Transcript

_LIMIT = 10_000


class EventQueue:
    """A bounded queue that ends; a partial that was not taken gives way to what follows it in its segment.

    Nothing else is ever left out: where nobody takes events for hours, put waits, and the source counts what it loses.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[Event] = deque()
        self._partial: Partial | None = None  # the one that waits: only the segment in progress has partials
        self._changed = threading.Condition()
        self._closed = False

    def put(self, event: Event) -> None:
        """Add an event, when there is room; after close it is left out."""
        with self._changed:
            if isinstance(event, Transcript):
                self._drop_stale(event)
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._limit)
            if self._closed:
                return
            self._waiting.append(event)
            self._changed.notify_all()

    def close(self) -> None:
        """Let the iteration end after what waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Event]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting)
                if not self._waiting:
                    return
                event = self._waiting.popleft()
                if event is self._partial:
                    self._partial = None
                self._changed.notify_all()
            yield event

    def _drop_stale(self, event: Transcript) -> None:
        if self._partial is not None and self._partial.segment_id == event.segment_id:
            self._waiting.remove(self._partial)
        self._partial = event if isinstance(event, Partial) else None
