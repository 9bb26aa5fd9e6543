"""Where transcripts go: to standard output, beside their recordings, or into a tree like the one these lie in.

A file is written beside its place and renamed: a transcript is there as a whole, or not at all.
"""

import stat
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from asr_app.audio.blocks import shown
from asr_app.audio.file import STANDARD_INPUT
from asr_app.errors import ConfigError, OutputError
from asr_app.file_names import hidden_beside
from asr_app.files.inputs import Recording
from asr_app.files.journal import Place, RunJournal, unwritten_forms
from asr_app.sinks.documents import document
from asr_app.sinks.formats import Format
from asr_app.sinks.segment import Utterance
from asr_app.whole_files import replacing

"""Bytes of a file's name, on all common file systems."""


class Output(Protocol):
    """Where the transcript of one recording goes."""

    def heard(self, place: Place) -> Utterance | None:
        """What an interrupted run heard at a place, if it kept it."""

    def add(self, place: Place, utterance: Utterance) -> None:
        """The next run that was heard."""

    def finish(self, transcript: Sequence[Utterance]) -> None:
        """Write the whole transcript; OutputError where that cannot be."""

    def fail(self) -> None:
        """The recording cannot be transcribed to its end."""

    def leave(self) -> None:
        """It is not written now: keep what another run can go on with."""


class Printed:
    """Standard output. Text comes line by line while the recording is heard, the other forms at its end."""

    def __init__(self, recording: Recording, form: Format, heading: bool, live: bool) -> None:
        """heading: with the recording's name above the text. live: runs come in the order of the transcript."""
        self._title, self._form, self._live = recording.title, form, live and form is Format.TEXT
        self._heading = f"{recording.name}:\n" if heading and form is Format.TEXT else ""

    def heard(self, place: Place) -> None:
        """Nothing is kept of what was printed."""

    def add(self, place: Place, utterance: Utterance) -> None:
        """Print a line."""
        if self._live:
            self._print([utterance])

    def finish(self, transcript: Sequence[Utterance]) -> None:
        """Print what is not printed yet."""
        self._print([] if self._live else transcript)

    def fail(self) -> None:
        """What was printed stays."""

    leave = fail

    def _print(self, utterances: Sequence[Utterance]) -> None:
        text, encoding = self._heading + document(utterances, self._form, self._title), sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))  # a name may have any letters
        sys.stdout.flush()
        self._heading = ""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one transcript.

    stem: their common path, without the endings of the forms.
    """

    stem: Path
    forms: tuple[Format, ...]

    def path(self, form: Format) -> Path:
        """The file of a form."""
        return self.stem.with_name(self.stem.name + form.ending)

    @property
    def journal(self) -> Path:
        """What an interrupted run leaves beside them, hidden."""
        return hidden_beside(self.stem, ".asr-journal")

    def missing(self) -> "Files":
        """Those that are still to be written: that are not there, or that an interrupted run was to write."""
        unwritten = unwritten_forms(self.journal)
        forms = (form for form in self.forms if form in unwritten or not _exists(self.path(form)))
        return Files(self.stem, tuple(forms))

    def check(self) -> None:
        """OutputError where one of them is there already, and no interrupted run was to write it."""
        unwritten = unwritten_forms(self.journal)
        for form in self.forms:
            path = self.path(form)
            if form not in unwritten and _exists(path):
                raise OutputError(
                    f"{shown(path)} is there already: take --resume to keep it, or --overwrite to replace it"
                )


class Written:
    """Files, one for each form, and a journal beside them until they are there."""

    def __init__(self, recording: Recording, files: Files, fingerprint: str) -> None:
        """fingerprint: of all that the words depend on beside the recording. OutputError where none can be written."""
        self._title, self._files = recording.title, files
        about = {"settings": fingerprint, "recording": _identity(recording)}
        self._journal = RunJournal(files.journal, about, files.forms)

    def heard(self, place: Place) -> Utterance | None:
        """What the journal has of a run."""
        return self._journal.heard(place)

    def add(self, place: Place, utterance: Utterance) -> None:
        """Keep a run."""
        self._journal.keep(place, utterance)

    def finish(self, transcript: Sequence[Utterance]) -> None:
        """Write all files; then nothing is left to go on with."""
        for form in self._files.forms:
            write_whole(self._files.path(form), document(transcript, form, self._title))
        self._journal.discard()

    def fail(self) -> None:
        """No file is written."""
        self._journal.discard()

    def leave(self) -> None:
        """The journal stays."""
        self._journal.close()


@dataclass(frozen=True, slots=True)
class Naming:
    """How files of transcripts are named.

    folder: of a tree that mirrors that of the recordings; None is beside each recording.
    forms: what is written of each.
    """

    folder: Path | None
    forms: tuple[Format, ...]

    def files(self, recordings: Iterable[Recording]) -> dict[Recording, Files]:
        """The files of each recording: talk.srt of talk.mp3, but talk.mp3.srt where there is a talk.wav, too.

        Raises ConfigError where two recordings would have the same.
        """
        batch = dict.fromkeys(recordings)
        stems = {one: self._stem(one) for one in batch}
        while shared := _shared(stems):  # a longer name may be another's short one
            longer = {one: self._whole(one) for one in shared if stems[one] != self._whole(one)}
            if not longer:
                same = shown(stems[shared[0]])
                raise ConfigError(f"two recordings are called {same} here: name the folder that both are in")
            stems |= longer
        return {one: Files(stem, self.forms) for one, stem in stems.items()}

    def _whole(self, recording: Recording) -> Path:
        if self.folder is not None:
            return self.folder / recording.place
        if recording.path == STANDARD_INPUT:
            raise ConfigError("there is no place beside standard input: give an --output-dir")
        return Path(recording.path)

    def _stem(self, recording: Recording) -> Path:
        whole = self._whole(recording)
        return whole.with_name(whole.stem) if whole.stem else whole


def _shared(stems: Mapping[Recording, Path]) -> list[Recording]:
    """The recordings whose stem is another's, too."""
    count = Counter(stems.values())
    return [one for one, stem in stems.items() if count[stem] > 1]


def write_whole(path: Path, text: str) -> None:
    """Write a file as a whole or not at all; OutputError where that cannot be."""
    try:
        with replacing(path) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise OutputError(f"{shown(path)}: {error.strerror}: make room, or choose another place") from error


def _exists(path: Path) -> bool:
    """Whether a file is there; what is wrong with its name is told when it is written."""
    try:
        return path.exists()
    except OSError:
        return False


def _identity(recording: Recording) -> list[object]:
    """What tells a recording from a changed one; what a pipe gives comes only once."""
    try:
        status = Path(recording.path).stat()
    except (OSError, ValueError):
        return [recording.path, time.time_ns()]
    regular = stat.S_ISREG(status.st_mode)
    return [recording.path, status.st_size, status.st_mtime_ns if regular else time.time_ns()]
