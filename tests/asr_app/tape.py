"""A listener that keeps everything, for tests."""

import threading

from asr_app.events import Event, Final


class Tape:
    """What it was told, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = threading.Event()

    def put(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    def close(self) -> None:
        """There is no more."""
        self.closed.set()

    def wait(self) -> list[Event]:
        """All events, when there are no more."""
        assert self.closed.wait(20)
        return self.events

    @property
    def texts(self) -> list[str]:
        """The finals' texts, when there are no more."""
        return [event.text for event in self.wait() if isinstance(event, Final)]
