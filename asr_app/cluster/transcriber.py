"""What one machine of a cluster does: it holds a model and transcribes recordings, each from its place to its place.

A recording goes through the same batch as on one machine, so its transcript is the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from asr_app.cluster.places import fetched, write
from asr_app.errors import AsrError
from asr_app.files.batch import Batch, Listening, Write
from asr_app.files.inputs import Recording
from asr_app.files.journal import Place
from asr_app.files.progress import Progress
from asr_app.files.workers import InProcess, Load, Workers
from asr_app.sinks.documents import document
from asr_app.sinks.formats import Format
from asr_app.sinks.segment import Utterance


@dataclass(frozen=True, slots=True)
class Work:
    """What is done with every recording; it goes to other machines.

    load: loads the recogniser. load_write: loads what makes written text, where that is wanted.
    alternatives: readings beside the best one.
    """

    load: Load
    load_write: Callable[[], Write | None]
    listening: Listening
    forms: tuple[Format, ...]
    alternatives: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """A recording as its user calls it; its whole name, and that of its transcripts without the forms' endings."""

    recording: Recording
    source: str
    stem: str


class Transcriber:
    """Transcribes one recording after the other; the model is loaded with the first."""

    def __init__(self, work: Work) -> None:
        self._work = work

    @cached_property
    def _loaded(self) -> tuple[Workers, Write | None]:
        """Who hears and what writes, for as long as the process lives."""
        return InProcess(self._work.load, self._work.alternatives).__enter__(), self._work.load_write()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Transcribe row["task"]; the row with its duration_s, and the error that kept it from being transcribed."""
        try:
            return {**row, "duration_s": self._transcribe(row["task"]), "error": None}
        except AsrError as error:
            return {**row, "duration_s": 0.0, "error": error}

    def _transcribe(self, task: Task) -> float:
        """Seconds of sound; AsrError where it cannot be transcribed."""
        workers, write = self._loaded
        with fetched(task.source) as path:
            batch = Batch(self._work.listening, workers, _Silent(), write)
            batch.run([(replace(task.recording, path=path), lambda: _Output(task, self._work.forms))])
        for _, error in batch.tally.failures:
            raise type(error)(str(error).replace(path, task.recording.path)) from error
        return batch.tally.audio_s


class _Output:
    """Files of any place, written when all is heard; a recording whose worker was killed is heard again."""

    def __init__(self, task: Task, forms: tuple[Format, ...]) -> None:
        self._task, self._forms = task, forms

    def heard(self, place: Place) -> None:
        """Nothing is kept of an interrupted run."""

    def add(self, place: Place, utterance: Utterance) -> None:
        """Wait for the whole."""

    def finish(self, transcript: Sequence[Utterance]) -> None:
        """Write all files."""
        for form in self._forms:
            write(self._task.stem + form.ending, document(transcript, form, self._task.recording.title))

    def fail(self) -> None:
        """No file is written."""

    leave = fail


class _Silent(Progress):
    """Failures are told by the machine that shares out the work."""

    def fail(self, recording: Recording, error: AsrError) -> None:
        """Nothing."""
