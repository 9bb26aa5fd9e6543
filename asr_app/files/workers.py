"""Who hears the runs of speech: this process, or worker processes that each have the model and one thread."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from asr_app.errors import AsrError
from asr_app.files.segments import Speech
from asr_app.sinks.segment import Utterance

if TYPE_CHECKING:
    from asr_app.recognizer import Recognizer

Load = Callable[[], "Recognizer"]
"""Loads a recogniser; it can be pickled, for it is called in the workers."""

_AHEAD = 4  # runs for each worker that are cut and wait, or are heard and wait for one before them
_ENDED = "a worker process was ended from outside, maybe for lack of memory: take fewer --jobs, and go on with --resume"


class Workers(Protocol):
    """Hears runs of speech; use as a context manager."""

    @property
    def ahead(self) -> int:
        """How many runs may be under way: what bounds the memory, at most 4 MB each."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def submit(self, speech: Speech) -> "Callable[[], Utterance]":
        """Have a run heard; what is called for the result, once, raises what loading the recogniser raises."""


class InProcess:
    """Workers that are this process, which hears each run when its result is asked for."""

    ahead = 0

    def __init__(self, load: Load, alternatives: int) -> None:
        self._load, self._alternatives = load, alternatives
        self._recognizer: Recognizer | None = None

    def __enter__(self) -> Self:
        self._recognizer = self._load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recognizer = None

    def submit(self, speech: Speech) -> Callable[[], Utterance]:
        """Have a run heard."""
        from asr_app.files.hearing import hear

        recognizer = self._recognizer
        assert recognizer is not None
        return lambda: hear(recognizer, speech, self._alternatives)


class Processes:
    """Worker processes; the model is loaded in each of them with its first run."""

    def __init__(self, load: Load, alternatives: int, jobs: int) -> None:
        self.ahead = _AHEAD * jobs
        self._pool = ProcessPoolExecutor(
            jobs, _context(), _begin, (load, alternatives, logging.getLogger().getEffectiveLevel())
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, speech: Speech) -> Callable[[], Utterance]:
        """Have a run heard."""
        try:
            future = self._pool.submit(_hear, speech)
        except BrokenProcessPool as error:
            raise WorkerEnded(_ENDED) from error
        return lambda: _result(future)


class WorkerEnded(AsrError):
    """A worker process is no more."""

    exit_code = 10


def _result(future: "Future[Utterance]") -> Utterance:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkerEnded(_ENDED) from error


def _context() -> multiprocessing.context.BaseContext:
    """Workers that share the pages of what they import, where the system has such; never a fork of torch's threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["asr_app.recognizer"])
    return context


class _Worker:
    """What a worker process has."""

    load: Load
    alternatives: int
    recognizer: "Recognizer | None" = None


def _begin(load: Load, alternatives: int, level: int) -> None:
    """Set a worker up: Ctrl-C is for the process that ends it in good order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=level, format="asr: %(message)s")
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _Worker.load, _Worker.alternatives = staticmethod(load), alternatives


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _hear(speech: Speech) -> Utterance:
    from asr_app.files.hearing import hear

    if _Worker.recognizer is None:
        _Worker.recognizer = _Worker.load()
    return hear(_Worker.recognizer, speech, _Worker.alternatives)
