"""Recordings, the work that is done with them, and a cluster that is this process."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile
from loudness import Loudness

from asr_app.audio.types import Samples
from asr_app.cluster.batch import ClusterBatch, Outcome, Share, Target
from asr_app.cluster.places import find
from asr_app.cluster.transcriber import Task, Transcriber, Work
from asr_app.errors import AsrError
from asr_app.files.batch import Batch, Listening
from asr_app.files.inputs import Recording, recordings
from asr_app.files.outputs import Naming, Written
from asr_app.files.progress import Progress, Tally
from asr_app.files.workers import InProcess
from asr_app.options import RecognizerOptions
from asr_app.recognizer import Recognizer
from asr_app.sinks.formats import Format

FORMS = (Format.JSON, Format.SRT)
SPEECH = {"a.wav": "_tan_sat_______nas_", "b.flac": "_ant______tan_", "deep/c.wav": "_sat_tas_"}


class Failures(Progress):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def fail(self, recording: Recording, error: AsrError) -> None:
        self.told.append(str(error))


def raw() -> None:
    """No written text."""


@pytest.fixture
def speech(tmp_path: Path, whistle: Callable[..., Samples]) -> Path:
    """A folder of recordings, one of them broken."""
    folder = tmp_path / "speech"
    for name, words in SPEECH.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, np.concatenate([whistle(words)] * 2), 16_000)
    (folder / "broken.wav").write_bytes(b"no sound")
    return folder


@pytest.fixture
def work(model_folder: Path) -> Work:
    load = partial(Recognizer.load, model_folder, RecognizerOptions(device="cpu"))
    return Work(load, raw, Listening(Loudness), FORMS)


@pytest.fixture
def remote() -> Iterator[str]:
    """A folder of a file system that is no disk."""
    yield "memory://bucket"
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


@pytest.fixture
def here(work: Work) -> Share:
    """A cluster of this process, without Ray."""

    def share(tasks: Sequence[Task]) -> Iterator[Outcome]:
        actor = Transcriber(work)
        return (Outcome(**actor({"task": task})) for task in tasks)

    return share


Run = Callable[..., tuple[Tally, list[str]]]


@pytest.fixture
def run() -> Run:
    """A function (speech, folder, share, target's options) that runs a batch: what became of it, what was told."""

    def run(speech: Path | str, folder: Path | str, share: Share, **target: bool) -> tuple[Tally, list[str]]:
        progress = Failures()
        batch = ClusterBatch(Target(str(folder), FORMS, **target), share, progress)
        batch.run(find([str(speech)]))
        return batch.tally, progress.told

    return run


Files = Callable[[Path], dict[str, bytes]]


@pytest.fixture
def files_of() -> Files:
    """A function: every file below a folder, by name."""
    return lambda folder: {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def expected(work: Work, speech: Path, files_of: Files, tmp_path: Path) -> dict[str, bytes]:
    """The transcripts of a batch that knows nothing of clusters."""
    found = [one for one in recordings([str(speech)]) if isinstance(one, Recording)]
    files = Naming(tmp_path / "single", FORMS).files(found)
    with InProcess(work.load, 0) as workers:
        batch = Batch(work.listening, workers, Failures())
        batch.run([(one, partial(Written, one, files[one], "settings")) for one in found])
    return files_of(tmp_path / "single")
