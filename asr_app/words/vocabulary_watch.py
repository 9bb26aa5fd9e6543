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
        self._seen = self._version()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vocabulary", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def look_at(self, path: Path) -> None:
        """Look at another file from now on; that it is another counts as a change."""
        self._path = path

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            version = self._version()
            if version == self._seen:
                continue
            self._seen = version
            try:
                self._changed()
            except AsrError as error:
                logger.warning("%s; the words stay as they were", error)

    def _version(self) -> tuple[Path, int]:
        """The file, and its date in nanoseconds; 0 where there is no file to be seen."""
        path = self._path
        try:
            return path, path.stat().st_mtime_ns
        except OSError:
            return path, 0
