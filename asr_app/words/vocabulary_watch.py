"""The vocabulary while a session runs: words that another program adds are taken up, too."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from asr_app.errors import AsrError

logger = logging.getLogger(__name__)

_LOOK_S = 1.0  # between two looks at the file's date, which cost microseconds


class VocabularyWatch:
    """Looks, for as long as it is entered, whether a file was written; it need not be there."""

    def __init__(self, path: Path, changed: Callable[[], object]) -> None:
        """changed: called after each change, in a thread of the watch; an AsrError of it is logged."""
        self._path, self._changed = path, changed
        self._seen = self._date()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vocabulary", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            date = self._date()
            if date == self._seen:
                continue
            self._seen = date
            try:
                self._changed()
            except AsrError as error:
                logger.warning("%s; the words stay as they were", error)

    def _date(self) -> int:
        """Nanoseconds; 0 where there is no file to be seen."""
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0
