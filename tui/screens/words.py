"""Adding a word of the user's own while the dictation goes on."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from asr_app.errors import AsrError


class AddWord(ModalScreen[str | None]):
    """Asks for a word and how it sounds, and adds it; the word, None where none was added."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave")]

    def __init__(self, add: Callable[[str, str | None], None]) -> None:
        """add: takes the word as written, and as said where the user tells; raises AsrError where it cannot."""
        super().__init__()
        self._add = add

    def compose(self) -> ComposeResult:
        """The word, how it sounds, and a line for what is wrong."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Add a word"
            yield Input(placeholder="as it is written: Nguyen", id="written", compact=True)
            yield Input(placeholder="as it sounds, if that is another thing: new-win", id="sounds", compact=True)
            yield Label("", id="problem", markup=False)
            yield Label("enter adds it, for now and for later · escape leaves", classes="hint")

    def on_input_changed(self) -> None:
        """Other words: what was wrong may be so no more."""
        self._say("")

    def on_input_submitted(self) -> None:
        """Add what is there."""
        written, sounds = (self.query_one(f"#{name}", Input).value.strip() for name in ("written", "sounds"))
        if written:
            self.run_worker(self._try(written, sounds or None), exclusive=True)
        else:
            self._say("write the word first")

    async def _try(self, written: str, sounds: str | None) -> None:
        self._say("One moment.")
        try:
            await asyncio.to_thread(self._add, written, sounds)
        except AsrError as error:
            self._say(str(error))
        else:
            self.dismiss(written)

    def _say(self, problem: str) -> None:
        self.query_one("#problem", Label).update(problem)
