"""Adding finished transcripts to the history, so that a history that fails never stands in a transcript's way."""

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from asr_app.errors import AsrError
from asr_app.library.installation import read_record
from asr_app.library.models import find_model
from asr_app.library.registry import shipped_facts
from asr_app.records.history import About, History, HistoryError, Kind, history_file
from asr_app.sinks.segment import Segment

if TYPE_CHECKING:
    from asr_app.config import Settings

logger = logging.getLogger(__name__)


class Memory:
    """Remembers what one command transcribes. May be used by any thread, one at a time."""

    def __init__(self, path: Path, days: int | None, kind: Kind, model: str) -> None:
        """path: of the history. days: how long it keeps. model: name or folder of the recogniser."""
        self._path, self._days, self._kind = path, days, kind
        self._model, self._language = model, _language(model)
        self._complained = False

    def add(self, source: str, started: datetime, duration_s: float, segments: Iterable[Segment]) -> None:
        """Remember a transcript; where that fails, the user is told once.

        The database is opened for each: a daemon runs for weeks, and the file may be deleted meanwhile.
        """
        about = About(source, self._kind, started, duration_s, self._model, self._language)
        try:
            with History(self._path, self._days) as history:
                history.add(about, segments)
        except HistoryError as error:
            if not self._complained:
                logger.warning("%s; transcripts are not remembered", error)
            self._complained = True


def memory_of(settings: "Settings", kind: Kind) -> Memory | None:
    """The memory of transcripts of a kind, as the settings want it; None for none."""
    wanted = settings.history_files if kind is Kind.FILE else settings.history_dictation
    return Memory(history_file(), settings.history_days, kind, settings.model) if wanted else None


def _language(model: str) -> str:
    """The language of a model, empty where nobody says."""
    try:
        return str({**shipped_facts(model), **read_record(find_model(model))}.get("language", ""))
    except AsrError:
        return ""  # loading the model tells what is wrong with it
