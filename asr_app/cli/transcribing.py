"""What `asr transcribe` does with its options: from a request to a batch, and to an exit code."""

import hashlib
import logging
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from asr_app import __version__
from asr_app.audio.file import STANDARD_INPUT
from asr_app.audio.silero import SileroVad
from asr_app.cli.options import load_recognizer
from asr_app.cluster.places import is_address
from asr_app.errors import AudioFormatError, ConfigError, OutputError
from asr_app.files.batch import Batch, Listening, Remember, Write
from asr_app.files.in_batches import InBatches
from asr_app.files.inputs import Recording, matching, read_list, recordings
from asr_app.files.outputs import Files, Naming, Output, Printed, Written
from asr_app.files.progress import JsonEvents, Lines, Progress, Tally
from asr_app.files.segments import SoundDetector
from asr_app.files.watch import Seen, Watch
from asr_app.files.workers import InProcess, Processes, Workers
from asr_app.library.models import CONFIG, DESCRIPTION, find_model
from asr_app.sinks.formats import Format
from asr_app.sinks.segment import Utterance

if TYPE_CHECKING:
    from asr_app.config import Settings
    from asr_app.words.vocabulary import Entry

logger = logging.getLogger(__name__)

PARTLY = 9
"""Exit code where some recordings failed, and others did not."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as of a shell."""

_NO_MATTER = {
    "threads",
    "vocabulary",
    "hotwords",
    "limits",
    "history_files",
    "history_dictation",
    "history_days",
    "sink",
    "pace",
    "final_model",
}
"""Settings on which the words do not depend, or whose effect is asked for otherwise."""

_BYTES_A_JOB = 8 << 20  # of recordings: with fewer a worker takes longer to start than to work


@dataclass(frozen=True, slots=True)
class Request:
    """Which recordings, and where their transcripts go; as the options of the command say it."""

    names: tuple[str, ...]
    list_from: str | None
    watch: Path | None
    patterns: tuple[str, ...]
    forms: tuple[Format, ...]
    beside: bool
    folder: str | None
    overwrite: bool
    resume: bool
    progress: str

    def __post_init__(self) -> None:
        if self.beside and self.folder:
            raise ConfigError("--beside and --output-dir are two places: choose one")
        if not self.to_files and (self.resume or self.overwrite):
            raise ConfigError("--resume and --overwrite are for files: give an --output-dir, or --beside")
        if self.resume and self.overwrite:
            raise ConfigError("--resume keeps what is there, and --overwrite replaces it: choose one")
        if self.folder and Path(self.folder).is_file():
            raise ConfigError(f"--output-dir {self.folder} is no folder: name one")
        if not self.to_files and len(self.forms) > 1:
            raise ConfigError("standard output takes one form: give an --output-dir, or --beside")
        if self.watch and (self.names or self.list_from):
            raise ConfigError("--watch takes one folder and no recordings: start another asr for those")
        if self.watch and not self.watch.is_dir():
            raise ConfigError(f"--watch {self.watch} is no folder: make it first")
        if not (self.names or self.list_from or self.watch):
            raise ConfigError("nothing to transcribe: name recordings or folders, a --list, or a folder to --watch")
        if self.list_from == "-" and STANDARD_INPUT in self.names:
            raise ConfigError("standard input cannot be a list and a recording: put the list into a file")

    @property
    def to_files(self) -> bool:
        """Whether transcripts go to files."""
        return self.beside or self.folder is not None


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears.

    words: to be expected. alternatives: readings beside the best. jobs: worker processes, None for what pays.
    """

    settings: "Settings"
    words: "tuple[Entry, ...]"
    alternatives: int
    jobs: int | None

    def workers(self, size: int) -> Workers:
        """Those for a batch of so many bytes; one is this process."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        jobs = self.jobs or min(cores, max(1, size // _BYTES_A_JOB))
        find_model(self.settings.model)  # better told now than by all workers
        if self._on_gpu():
            return InBatches(partial(load_recognizer, self.settings, self.words), self.alternatives)
        if jobs == 1:
            return InProcess(partial(load_recognizer, self.settings, self.words), self.alternatives)
        settings = self.settings.model_copy(update={"threads": self.settings.threads or 1})
        return Processes(partial(load_recognizer, settings, self.words), self.alternatives, jobs)

    def _on_gpu(self) -> bool:
        """Whether a GPU hears, unless worker processes are asked for; torch is needed to say so."""
        if self.settings.device == "cpu" or (self.jobs or 1) > 1:
            return False
        from asr_app.device import choose_device

        return choose_device(self.settings.device).type != "cpu"

    def fingerprint(self, listening: Listening) -> str:
        """Of all that the words depend on beside the recording."""
        settings = self.settings.model_dump(mode="json", exclude=_NO_MATTER)
        model = _description(find_model(self.settings.model))  # which has the hash of the weights
        told = repr((__version__, settings, self.words, self.alternatives, listening, model, self._text_files()))
        return hashlib.sha256(told.encode()).hexdigest()

    def write(self) -> Write | None:
        """What makes written text of words, where that is wanted."""
        if not self.settings.written:
            return None
        from asr_app.events import Final
        from asr_app.text.writing import load_writing

        text = load_writing(self.settings, find_model(self.settings.model), dictated=False).write

        def written(utterance: Utterance, before: str) -> Utterance:
            result = text(Final(0, 0, tuple(utterance.words)), before)
            if result.note:
                logger.warning("%s", result.note)
            return replace(utterance, words=result.words)

        return written

    def remember(self) -> Remember | None:
        """What puts transcripts into the history, where that is wanted."""
        from asr_app.records.history import Kind
        from asr_app.records.remembering import memory_of

        memory = memory_of(self.settings, Kind.FILE)
        if memory is None:
            return None

        def remember(recording: Recording, transcript: Sequence[Utterance], length_s: float) -> None:
            if recording.path != STANDARD_INPUT:
                source = str(Path(recording.path).absolute())
                memory.add(source, datetime.now().astimezone(), length_s, transcript)

        return remember

    def _text_files(self) -> list[bytes]:
        """What written text depends on."""
        if not self.settings.written:
            return []
        from asr_app.text.beside import text_models_of

        folders = text_models_of(find_model(self.settings.model)).values()
        models = sorted(path for folder in folders for path in folder.glob("*.json"))
        return [path.read_bytes() for path in (self.settings.replacements, *models) if path.is_file()]


def _description(folder: Path) -> bytes:
    """What says which model a folder holds; there is one of these where find_model has found the folder."""
    return next(path.read_bytes() for name in (DESCRIPTION, CONFIG) if (path := folder / name).is_file())


def carry_out(request: Request, listening: Listening, hearing: Hearing) -> int:
    """Transcribe what a request wants; the exit code. AsrError where nothing can be."""
    if request.folder and is_address(request.folder):
        raise ConfigError(f"{request.folder} is no folder of this machine: name one, or take --cluster local")
    if request.watch:
        return _watch(request, request.watch, listening, hearing)
    names = [*request.names, *(read_list(request.list_from) if request.list_from else ())]
    found = list(recordings(names, request.patterns))
    batch = [one for one in found if isinstance(one, Recording)]
    if not request.to_files and len(batch) > 1 and request.forms[0].of_one_recording:
        form = request.forms[0].value
        raise ConfigError(f"{form} is the form of one recording: give an --output-dir, or the files one at a time")
    size = sum(one.size for one in batch)
    progress = progress_of(request)
    with hearing.workers(size) as workers:
        work = Batch(listening, workers, progress, hearing.write(), hearing.remember())
        outputs = Outputs(request, work, len(batch) > 1, listening, hearing)
        tasks = outputs.of(found)
        progress.plan(len(batch), size)
        stopped = run_batch(lambda: work.run(tasks), work.tally, progress)
    return exit_code(work.tally, stopped)


class Outputs:
    """The outputs of recordings, as a request wants them."""

    def __init__(self, request: Request, work: Batch, several: bool, listening: Listening, hearing: Hearing) -> None:
        """several: whether a recording's name belongs above its text."""
        self._request, self._work, self._several, self._live = request, work, several, not listening.split
        self._fingerprint = hearing.fingerprint(listening) if request.to_files else ""

    def of(
        self, found: Iterable[Recording | tuple[Recording, AudioFormatError]], among: Iterable[Recording] = ()
    ) -> Iterator[tuple[Recording, Callable[[], Output]]]:
        """What is to be transcribed, with what opens its output; the rest is told to the batch when its turn comes.

        among: recordings whose transcripts need names of their own, too.
        """
        found = list(found)
        files: dict[Recording, Files] = {}
        if self._request.to_files:
            folder = self._request.folder
            naming = Naming(None if folder is None else Path(folder), self._request.forms)
            files = naming.files([*among, *(one for one in found if isinstance(one, Recording))])
            found = list(dict.fromkeys(found))
        return self._each(found, files)

    def _each(
        self, found: list[Recording | tuple[Recording, AudioFormatError]], files: dict[Recording, Files]
    ) -> Iterator[tuple[Recording, Callable[[], Output]]]:
        for one in found:
            if not isinstance(one, Recording):
                self._work.fail(*one)
            elif one not in files:
                yield one, partial(Printed, one, self._request.forms[0], self._several, self._live)
            elif self._request.resume and not files[one].missing().forms:
                self._work.skip(one)
            else:
                yield one, partial(self._written, one, files[one])

    def _written(self, recording: Recording, files: Files) -> Written:
        if self._request.resume:
            files = files.missing()
        elif not self._request.overwrite:
            files.check()
        return Written(recording, files, self._fingerprint)


def run_batch(go: Callable[[], None], tally: Tally, progress: Progress) -> bool:
    """Run a batch and tell of its end; whether it was stopped."""
    stopped = True
    try:
        go()
        stopped = False
    except KeyboardInterrupt:
        pass
    finally:
        progress.end(tally, stopped)
    return stopped


def _watch(request: Request, folder: Path, listening: Listening, hearing: Hearing) -> int:
    """Transcribe what arrives until Ctrl-C, or a full disk; transcripts of an earlier watch are kept."""
    request = replace(request, resume=request.to_files and not request.overwrite)
    key = hashlib.sha256(repr((str(folder.resolve()), str(request.folder), request.forms)).encode()).hexdigest()[:16]
    seen = Seen(platformdirs.user_state_path("asr") / f"watched-{key}.jsonl")
    progress = progress_of(request)
    with hearing.workers(0) as workers:
        work = Batch(listening, workers, progress, hearing.write(), hearing.remember())
        outputs = Outputs(request, work, True, listening, hearing)
        watch = Watch(folder, request.patterns, seen)
        if request.progress != "none":
            progress.watch(folder)
        go = partial(_transcribe_arrivals, watch, folder, request.patterns, work, outputs, seen)
        stopped = run_batch(go, work.tally, progress)
    return INTERRUPTED if stopped else OutputError.exit_code


def _transcribe_arrivals(
    watch: Watch, folder: Path, patterns: Sequence[str], work: Batch, outputs: Outputs, seen: Seen
) -> None:
    """What arrived is transcribed to its end before more is looked for; until a transcript cannot be written.

    Such a recording is left to the next watch, and has been told of.
    """

    def recordings_of(paths: Iterable[Path]) -> list[Recording]:
        return [Recording(str(path), path.relative_to(folder)) for path in paths]

    for arrived in filter(None, watch.arrivals()):
        work.run(outputs.of(recordings_of(path for path, _ in arrived), recordings_of(matching(folder, patterns))))
        unwritten = {recording.path for recording, error in work.tally.failures if isinstance(error, OutputError)}
        for path, version in arrived:
            if str(path) not in unwritten:
                seen.add(version)
        if unwritten:
            return


def exit_code(tally: Tally, stopped: bool) -> int:
    """The exit code that tells what became of a batch."""
    if stopped:
        return INTERRUPTED
    if not tally.failures:
        return 0
    return PARTLY if tally.finished + tally.skipped else tally.failures[0][1].exit_code


def progress_of(request: Request) -> Progress:
    """What tells how a batch goes on, as a request wants it."""
    kind = request.progress
    if kind == "auto":
        quiet = "none" if not request.to_files and sys.stdout.isatty() else "bars"
        kind = quiet if sys.stderr.isatty() else "lines" if request.to_files else "none"
    if kind == "bars":
        from asr_app.files.bars import Bars

        return Bars()
    return {"lines": Lines, "json": JsonEvents}.get(kind, Progress)()


def parse_channels(text: str) -> tuple[int | None, bool]:
    """The channel, None for all, and whether each is a speaker; ConfigError for what is none."""
    if text in ("mix", "split"):
        return None, text == "split"
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ConfigError(f"--channels {text!r} is none: choose mix, split, or a number from 1")
    return int(text), False


def parse_time(text: str) -> float:
    """Seconds of 3723.5, 62:03.5 or 1:02:03.5; ConfigError for what is no time."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(math.isfinite(part) and part >= 0 for part in parts):
        raise ConfigError(f"{text!r} is no time: give seconds, or hours:minutes:seconds such as 1:02:03.5")
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + part
    return seconds


def detector(vad: str) -> type[SileroVad] | type[SoundDetector]:
    """What makes the detector of a --vad."""
    return SileroVad if vad == "speech" else SoundDetector
