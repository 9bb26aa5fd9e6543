"""The terminal program: it opens sessions, listens to one at a time, and puts what it says on the screen.

Sessions work in threads of their own; what they say comes as messages, and only Textual's thread touches the screen.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from asr_app.errors import AsrError
from asr_app.events import Failed, Final, SpeechStarted, Transcript
from tui.messages import Ended, Heard, NotOpened, Opened
from tui.screens.dialogs import Help, Leave, Picker
from tui.screens.dictation import DictationScreen
from tui.screens.save import Save
from tui.screens.words import AddWord
from tui.session import DictationSession, Journal, Sessions, State, Status, Writers
from tui.themes import DARK, LIGHT
from tui.transcript import TranscriptDocument

logger = logging.getLogger(__name__)

_UPDATE_S = 1 / 12  # between two looks at the level and the figures
_STILL_UPDATE_S = 1 / 3  # while nobody speaks: an idle screen is to cost next to nothing

_COMMANDS = (
    ("Pause or listen", "space", "app.toggle_pause"),
    ("Edit segment", "e", "screen.edit"),
    ("Undo last segment", "u", "screen.undo"),
    ("Bring segment back", "U", "screen.redo"),
    ("Search", "/", "screen.search"),
    ("Copy", "c", "screen.copy"),
    ("Save", "s", "app.save"),
    ("Add a word", "a", "app.add_word"),
    ("Choose microphone", "m", "app.pick_device"),
    ("Choose model", "l", "app.pick_model"),
    ("Written text or raw words", "w", "screen.written"),
    ("Confidence as colour", "v", "screen.confidence"),
    ("Light or dark", "t", "app.toggle_theme"),
    ("All keys", "?", "app.help"),
)


class DictationApp(App[AsrError | None]):
    """Live dictation; ends with the error that kept the first session from being opened, or None."""

    TITLE = "asr dictate"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]  # noqa: RUF012  # not declared as of the class
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (9, "-short"), (18, "-normal"), (36, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "toggle_theme", "Theme", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False),
    ]

    def __init__(
        self,
        sessions: Sessions,
        writers: Writers,
        stem: str,
        journal: Journal | None = None,
        restored: Sequence[Final] = (),
    ) -> None:
        """stem: the name, without a suffix, under which saving is proposed. restored: segments to go on after."""
        # with NO_COLOR not even greys are sent: what is drawn then tells by bold, dim and reverse
        super().__init__(ansi_color="NO_COLOR" in os.environ)
        self.sessions, self.writers, self.stem = sessions, writers, stem
        self.document = TranscriptDocument(restored)
        self.dictation = DictationScreen(self.document, journal)
        self._session: DictationSession | None = None
        self._opened: DictationSession | None = None  # the newest, before the screen knows of it
        self.status = Status(State.LOADING)
        self._wanted: tuple[str | None, str | None] = (None, None)
        self._working: tuple[str | None, str | None] | None = None
        self._reopening = self._gone = False

    async def on_mount(self) -> None:
        """Show the screen at once, and open the session beside it."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        await self.push_screen(self.dictation)
        self._open()
        self._look()

    def _fatal_error(self) -> None:
        """A bug is told in one line: Textual's own report shows the values of variables, what was said among them."""
        error = sys.exception()
        logger.info("the details:", exc_info=error)
        self.panic(f"asr: internal error: {type(error).__name__}; `asr --verbose dictate --resume` goes on")

    def notify(self, message: str, **options: Any) -> None:
        """Show a message, which may hold what was said, or the name of a file: nothing in it is markup."""
        super().notify(message, **{**options, "markup": False})

    # --- the session ---

    def _open(self) -> None:
        model, device = self._wanted
        self.status = Status(State.LOADING, device or self.status.device, model or self.status.model)
        self.run_worker(partial(self._listen, model, device), thread=True, group="session")

    def _listen(self, model: str | None, device: str | None) -> None:
        """Open a session and pass on what it says; in a thread of its own."""
        try:
            session = self.sessions.open(model, device)
        except AsrError as error:
            self.post_message(NotOpened(error))
            return
        self._opened = session
        if self._gone:  # on_unmount may have looked before there was one
            session.stop()
        self.post_message(Opened(session, model, device))
        for event in session.events():
            self.post_message(Heard(session, event))
        self.post_message(Ended(session))

    def on_unmount(self) -> None:
        """Nobody listens any more: what is open, and what is being opened, ends."""
        self._gone = True
        if self._opened is not None:
            self._opened.stop()

    def on_opened(self, message: Opened) -> None:
        """Listen to a session, unless another one was asked for while it was opened."""
        self._session, self._working = message.session, (message.model, message.device)
        if self._reopening:
            message.session.stop()
            return
        if recording := message.session.status().recording:
            self.notify(f"The sound is recorded to {recording}.")
        self.update_status()

    def on_not_opened(self, message: NotOpened) -> None:
        """Open what was asked for meanwhile, or go back to what worked, if anything did."""
        if self._reopening:
            self._reopening = False
            self._open()
            return
        if self._working is None or self._working == self._wanted:
            self.exit(message.error, return_code=message.error.exit_code)
            return
        self.notify(str(message.error), severity="error", timeout=15)
        self._wanted = self._working
        self._open()

    def on_heard(self, message: Heard) -> None:
        """Show an event."""
        event = self.document.placed(message.event)
        if isinstance(event, Transcript):
            self._obey(self.dictation.hear(event), event.segment_id)
        elif isinstance(event, SpeechStarted):
            self.update_status()
        elif isinstance(event, Failed):
            self.notify(event.message, title="The session stopped", severity="error", timeout=60)

    def _obey(self, action: str, segment_id: int) -> None:
        """Do what was said in a segment instead of words."""
        if action == "scratch":
            self.dictation.scratch(segment_id)
        elif action == "undo":
            self.dictation.take_back(segment_id)
        elif action == "stop" and self._session is not None:
            self._session.pause()
            self.notify("Paused, as you said: space listens again.")

    def on_ended(self, message: Ended) -> None:
        """Open the session that was asked for in its place, if one was; it goes on after all that was heard."""
        self.status = replace(message.session.status(), state=State.FINISHED, recording=None)
        self.document.begin_take(self.status.time_s)
        self._session = None
        if self._reopening:
            self._reopening = False
            self._open()
        self.update_status()

    def update_status(self) -> None:
        """Show level, spectrogram and figures of now."""
        if self._session is None:
            self.dictation.show_status(self.status)
        else:
            self.status = self._session.status()
            self.dictation.show_status(self.status, self._session.spectrum())

    def _look(self) -> None:
        """Show what there is now, and again in a while."""
        self.update_status()
        self.set_timer(_UPDATE_S if self.status.state is State.SPEECH else _STILL_UPDATE_S, self._look)

    def _change(self, model: str | None, device: str | None) -> None:
        """Go on with another model or microphone, once the session that is open, or is being opened, has ended."""
        has_ended = self._session is None and self.status.state is not State.LOADING
        if (model, device) == self._wanted and not has_ended:
            return
        self._wanted = (model, device)
        if has_ended:
            self._open()
            return
        self._reopening = True
        if self._session is not None:
            self._session.stop()

    # --- keys ---

    def action_toggle_pause(self) -> None:
        """Pause, or listen again."""
        if self._session is None:
            is_loading = self.status.state is State.LOADING
            self.notify("One moment: it is being loaded." if is_loading else "It has ended: m or l begins again.")
        elif self._session.status().state is State.PAUSED:
            self._session.resume()
        else:
            self._session.pause()
        self.update_status()

    def action_pick_device(self) -> None:
        """Choose the microphone."""
        self.run_worker(self._pick_device(), exclusive=True, group="dialog")

    async def _pick_device(self) -> None:
        names = await self._named(self.sessions.devices)
        if names and (name := await self.push_screen_wait(Picker("Microphone", names, self.status.device))):
            self._change(self._wanted[0], name)

    def action_pick_model(self) -> None:
        """Choose the model."""
        self.run_worker(self._pick_model(), exclusive=True, group="dialog")

    async def _pick_model(self) -> None:
        names = await self._named(self.sessions.models)
        if names and (name := await self.push_screen_wait(Picker("Model", names, self.status.model))):
            self._change(name, self._wanted[1])

    async def _named(self, ask: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Names to choose from; none where they cannot be had, which is said."""
        try:
            names = await asyncio.to_thread(ask)
        except AsrError as error:
            self.notify(str(error), severity="error")
            return ()
        if not names:
            self.notify("There is nothing to choose from here.")
        return names

    def action_add_word(self) -> None:
        """Ask for a word that the recogniser is to know."""
        self.run_worker(self._add_word(), exclusive=True, group="dialog")

    async def _add_word(self) -> None:
        if word := await self.push_screen_wait(AddWord(self.sessions.add_word)):
            self.notify(f"{word} is expected from the next segment on.")

    def action_save(self) -> None:
        """Ask for a name, and write the transcript."""
        self.run_worker(self._save(), exclusive=True, group="dialog")

    async def _save(self) -> bool:
        if not self.document.segments:
            self.notify("Nothing to save yet.")
            return False
        path = await self.push_screen_wait(Save(self.dictation.save, self.writers, self.stem))
        if path is None:
            return False
        self.notify(f"Saved to {path}.")
        return True

    async def action_quit(self) -> None:
        """Leave; unsaved words are asked about first."""
        self.run_worker(self._leave(), exclusive=True, group="dialog")

    async def _leave(self) -> None:
        if not self.dictation.saved and self.document.segments:
            words = sum(len(final.words) for final in self.document.finals())
            answer = await self.push_screen_wait(Leave(words))
            if answer is None or (answer == "save" and not await self._save()):
                return
        self.exit()

    def action_help_quit(self) -> None:
        """What Ctrl-C does: it is too near to copying to end a dictation."""
        self.notify("q leaves.")

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Help())

    def action_toggle_theme(self) -> None:
        """Light or dark."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every key's work, by name."""
        if screen is self.dictation:
            for title, key, action in _COMMANDS:
                yield SystemCommand(title, f"key: {key}", partial(self.run_action, action))
        yield from super().get_system_commands(screen)
