"""A batch of recordings on a cluster: which are to do, and what became of each."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr_app.audio.blocks import shown
from asr_app.audio.file import STANDARD_INPUT
from asr_app.cluster.places import join, there, whole
from asr_app.cluster.transcriber import Task
from asr_app.errors import AsrError, AudioFormatError, ConfigError, OutputError
from asr_app.files.inputs import Recording
from asr_app.files.outputs import Naming
from asr_app.files.progress import Progress, Tally
from asr_app.sinks.formats import Format


class ClusterError(AsrError):
    """The cluster cannot be reached, or a worker of it could not do its work."""

    exit_code = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: seconds of sound, or what kept it from being done."""

    task: Task
    duration_s: float
    error: AsrError | None = None


Share = Callable[[Sequence[Task]], Iterator[Outcome]]
"""Has tasks done, in any order; a task without an outcome was lost."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where transcripts go: a folder's whole name, the forms, and what becomes of those that are there."""

    folder: str
    forms: tuple[Format, ...]
    overwrite: bool = False
    resume: bool = False


class ClusterBatch:
    """The way of recordings through a cluster."""

    def __init__(self, target: Target, share: Share, progress: Progress) -> None:
        self.tally = Tally()
        self._target, self._share, self._progress = target, share, progress

    def run(self, found: Iterable[Recording | tuple[Recording, AudioFormatError]]) -> None:
        """Transcribe recordings; Ctrl-C, and a cluster that fails, leave what is finished."""
        batch: list[Recording] = []
        for one in dict.fromkeys(found):
            if isinstance(one, Recording):
                batch.append(one)
            else:
                self._fail(*one)
        self._progress.plan(len(batch), sum(one.size for one in batch))
        lost = dict.fromkeys(self._to_do(batch))
        for outcome in self._share(list(lost)):
            del lost[outcome.task]
            self._settle(outcome)
        for task in lost:
            message = f"{task.recording.name}: no worker came to its end with it, maybe for lack of memory"
            self._fail(task.recording, ClusterError(f"{message}: try it on one machine"))

    def _to_do(self, batch: Sequence[Recording]) -> Iterator[Task]:
        """The tasks of recordings whose transcripts are not there, the largest files first: none is waited for."""
        if any(one.path == STANDARD_INPUT for one in batch):
            raise ConfigError("a cluster cannot hear standard input: save it to a file that all machines can read")
        target, present = self._target, there(self._target.folder)
        files = Naming(Path(), target.forms).files(batch)
        for recording in sorted(batch, key=lambda one: -one.size):
            paths = [files[recording].path(form) for form in target.forms]
            taken = [path for path in paths if path.as_posix() in present]
            if target.resume and taken == paths:
                self.tally.skipped += 1
                self._progress.skip(recording)
            elif taken and not (target.resume or target.overwrite):
                name = shown(join(target.folder, taken[0]))
                message = f"{name} is there already: take --resume to keep it, or --overwrite to replace it"
                self._fail(recording, OutputError(message))
            else:
                yield Task(recording, whole(recording.path), join(target.folder, files[recording].stem))

    def _settle(self, outcome: Outcome) -> None:
        recording = outcome.task.recording
        if outcome.error:
            self._fail(recording, outcome.error)
            return
        self.tally.finished += 1
        self.tally.audio_s += outcome.duration_s
        self._progress.finish(recording, outcome.duration_s)

    def _fail(self, recording: Recording, error: AsrError) -> None:
        self.tally.failures.append((recording, error))
        self._progress.fail(recording, error)
