"""Saving the transcript: a name, and one of the formats."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, RadioButton, RadioSet

from asr_app.errors import OutputError
from tui.session import Writer, Writers

_NAMES = {"txt": "Text", "srt": "SRT", "vtt": "VTT", "json": "JSON"}


class Save(ModalScreen[Path | None]):
    """Asks where to, and writes; the file, None where nothing was written."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave")]

    def __init__(self, save: Callable[[Path, Writer], None], writers: Writers, stem: str) -> None:
        """save: writes what there is by then, or raises OutputError. stem: the name to propose, without a suffix."""
        super().__init__()
        self._save, self._writers, self._stem = save, writers, stem
        self._suffixes = list(writers)
        self._to_replace: Path | None = None

    def compose(self) -> ComposeResult:
        """Name, formats, and a line for what is wrong."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Save"
            yield Input(f"{self._stem}.{self._suffixes[0]}", select_on_focus=False, compact=True)
            with RadioSet(compact=True):
                for suffix in self._suffixes:
                    yield RadioButton(_NAMES.get(suffix, suffix), value=suffix == self._suffixes[0], compact=True)
            yield Label("", id="problem", markup=False)
            yield Label("enter saves · tab, then ← → for the format · escape leaves", classes="hint")

    def on_radio_set_changed(self, event: RadioSet.Changed) -> None:
        """The name follows the format."""
        name = self.query_one(Input)
        path = Path(name.value)
        stem = path.stem if path.suffix[1:] in self._writers else path.name
        name.value = str(path.parent / f"{stem or self._stem}.{self._suffixes[event.index]}")

    def on_input_changed(self) -> None:
        """Another name: what was wrong may be so no more."""
        self._to_replace = None
        self._complain("")

    def on_input_submitted(self) -> None:
        """Write the file, or say what keeps it from being written."""
        path = Path(self.query_one(Input).value)
        writer = self._writers.get(path.suffix[1:])
        try:
            path = path.expanduser()
            exists, has_folder = path.exists(), path.parent.is_dir()
        except RuntimeError:
            self._complain("nobody of this name has a home here: choose another place")
            return
        except OSError as error:
            self._complain(f"{error.strerror}: choose another place")
            return
        if writer is None:
            self._complain(f"end the name with one of: {', '.join(f'.{suffix}' for suffix in self._suffixes)}")
        elif not has_folder:
            self._complain("that folder is not there: choose another place")
        elif exists and path != self._to_replace:
            self._to_replace = path
            self._complain("that file exists: enter replaces it")
        else:
            self._write(path, writer)

    def _write(self, path: Path, writer: Writer) -> None:
        try:
            self._save(path, writer)
        except OutputError as error:
            self._complain(str(error))
        else:
            self.dismiss(path)

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Label).update(problem)
