"""Work that may hang, done where it holds up nobody for longer than was agreed."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class TooSlowError(Exception):
    """The answer did not come in time; the message says what happened, to go behind "the text models"."""


class Patience(Generic[Asked, Answer]):
    """A thread that does the work of one who asks, one piece at a time; what comes too late is dropped."""

    def __init__(self, work: Callable[[Asked], Answer]) -> None:
        self._work = work
        self._jobs: queue.SimpleQueue[tuple[Asked, Future[Answer]] | None] = queue.SimpleQueue()
        self._job: Future[Answer] | None = None
        threading.Thread(target=self._run, name="text models", daemon=True).start()

    def ask(self, asked: Asked, timeout_s: float) -> Answer:
        """The answer, or what the work raises; TooSlowError after timeout_s, and at once while it is still at work."""
        if self._job is not None and not self._job.done():
            raise TooSlowError("are still busy with earlier words")
        self._job = Future()
        self._jobs.put((asked, self._job))
        try:
            return self._job.result(timeout_s)
        except TimeoutError as error:
            if self._job.done():
                raise  # of the work itself
            raise TooSlowError(f"took longer than {timeout_s:.2g} s") from error

    def close(self) -> None:
        """End, when the work that is being done has ended; nobody may ask any more."""
        self._jobs.put(None)

    def _run(self) -> None:
        for asked, job in iter(self._jobs.get, None):
            try:
                job.set_result(self._work(asked))
            except BaseException as error:  # noqa: BLE001  # it is raised where the answer is asked for
                job.set_exception(error)
