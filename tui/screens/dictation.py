"""The screen of `asr dictate`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Footer, Static

from asr_app.errors import AsrError
from asr_app.events import Final, Partial, Transcript, Written
from tui.messages import EditDropped, Edited, Sought
from tui.session import Journal, State, Status, Writer
from tui.transcript import Segment, TranscriptDocument
from tui.widgets.bars import Figures, StateLine
from tui.widgets.editor import SearchLine, SegmentEditor
from tui.widgets.spectrogram import Spectrogram
from tui.widgets.transcript_view import TranscriptView

_LOADING = "[bold]One moment: the recogniser is being loaded.[/]"
_READY = """[bold]Speak, and your words appear here.[/]

[$accent]space[/] pauses   [$accent]m[/] chooses the microphone   [$accent]?[/] shows every key"""
_ENDED = "[bold]The sound has ended.[/]"


class DictationScreen(Screen[None]):
    """Transcript, level, spectrogram and figures; the keys that act upon the transcript."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "app.toggle_pause", "Pause"),
        Binding("e", "edit", "Edit"),
        Binding("u", "undo", "Undo"),
        Binding("U", "redo", "Bring back", show=False),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("n", "match(1)", "Next match", show=False),
        Binding("N", "match(-1)", "Previous match", show=False),
        Binding("c", "copy", "Copy"),
        Binding("s", "app.save", "Save"),
        Binding("a", "app.add_word", "Add word", show=False),
        Binding("m", "app.pick_device", "Mic"),
        Binding("l", "app.pick_model", "Model", show=False),
        Binding("w", "written", "Written or raw", show=False),
        Binding("v", "confidence", "Confidence", show=False),
        Binding("escape", "clear", "Choose none", show=False),
    ]

    def __init__(self, document: TranscriptDocument, journal: Journal | None) -> None:
        super().__init__()
        self.document, self.journal = document, journal
        self.saved = not document.segments
        self.transcript = TranscriptView(document)
        self._state_line, self._spectrogram, self._figures = StateLine(), Spectrogram(), Figures()
        self._empty, self._more = Static(_LOADING, id="empty"), Static("↓ newest words: end", id="more")
        self._search = SearchLine()
        self._state = State.LOADING
        self._note = self._recording_failure = ""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._state_line
        with Container(id="pane"):
            yield self.transcript
            yield self._empty
            yield self._more
        yield self._search
        with Vertical(id="deck"):
            yield self._spectrogram
            yield self._figures
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin with what was restored."""
        self._search.display = False
        self.transcript.focus()
        self._show_emptiness()
        self.watch(self.transcript, "following", self._show_following)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that types is not offered for another work; the other keys Textual leaves out by itself."""
        return action != "search" or not isinstance(self.focused, SegmentEditor | SearchLine)

    # --- what comes from the session ---

    def show_status(self, status: Status, columns: Sequence[Sequence[float]] = ()) -> None:
        """Take the state and the figures of now, and the newest columns of the spectrogram."""
        self._state_line.show(status, self.journal is not None, self.document.is_raw, self._note)
        self._figures.show(status)
        if status.state is not self._state:
            self._state = status.state
            self._empty.update({State.LOADING: _LOADING, State.FINISHED: _ENDED}.get(status.state, _READY))
        if status.recording_failure not in ("", self._recording_failure):
            self.notify(status.recording_failure, severity="error", timeout=30)
        self._recording_failure = status.recording_failure
        self._spectrogram.push(columns)

    def hear(self, said: Transcript) -> str:
        """Show the words of an event, and keep them where they are final; what else its speaker wants done."""
        if isinstance(said, Written) or (isinstance(said, Final) and said.note):
            self._take_note(said.note)
        if not self.document.accept(said):
            return ""
        self._changed(said.segment_id)
        if isinstance(said, Partial):
            self._write(lambda journal: journal.keep_in_progress(said))
        elif isinstance(said, Final):
            self._keep(said)
        return said.action if isinstance(said, Written) else ""

    def _take_note(self, note: str) -> None:
        """Say why text is not written, once for all segments that go the same way."""
        if note and not self._note:
            self.notify(note, severity="warning", timeout=15)
        self._note = note

    def _changed(self, segment_id: int) -> None:
        self.saved = False
        self.transcript.changed(segment_id)
        self._show_emptiness()
        self._place_editor()

    def _keep(self, final: Final) -> None:
        if final.words:
            self._write(lambda journal: journal.keep(final))
        else:
            self._write(lambda journal: journal.drop(final.segment_id))

    def _write(self, work: Callable[[Journal], None]) -> None:
        """Work on the journal, which is given up when it cannot be written: the session goes on."""
        if self.journal is None:
            return
        try:
            work(self.journal)
        except AsrError as error:
            self.journal = None
            self.notify(str(error), severity="error", timeout=30)

    def save(self, path: Path, writer: Writer) -> None:
        """Write the transcript as it stands; OutputError where it cannot be written."""
        from asr_app.files.outputs import write_whole  # here, for the screen shall not wait for NumPy

        write_whole(path, writer(self.document.finals()))
        self.saved = True

    def _show_emptiness(self) -> None:
        self._empty.display = not self.document.segments

    def _show_following(self, following: bool) -> None:
        self._more.display = not following

    # --- editing ---

    def _target(self) -> Segment | None:
        """The segment that keys act upon: the chosen one, or the last that is finished."""
        chosen = self.transcript.chosen
        index = None if chosen is None else self.document.index_of(chosen)
        if index is not None:
            return self.document.segments[index]
        return next((segment for segment in reversed(self.document.segments) if segment.is_final), None)

    async def action_edit(self) -> None:
        """Rewrite a segment in place."""
        if self.query(SegmentEditor):  # the command palette asks for another one
            return
        segment = self._target()
        if segment is None or not segment.is_final:
            self.notify("No finished segment to edit yet.")
            return
        self.transcript.show_segment(segment.id)
        editor = SegmentEditor(segment.id, segment.said.text)
        self._place(editor)
        await self.query_one("#pane").mount(editor)
        editor.focus()

    def _place_editor(self) -> None:
        """Keep the editor over its segment."""
        for editor in self.query(SegmentEditor):
            if self.document.index_of(editor.segment_id) is None:
                self._close_editor()
            else:
                self._place(editor)

    def _place(self, editor: SegmentEditor) -> None:
        view = self.transcript
        top, height = view.place_of(editor.segment_id)
        editor.styles.width = view.text_cells + 1  # one for the cursor
        left = view.gutter.left + view.gutter_cells
        editor.styles.offset = (left, max(0, min(top + view.gutter.top, view.size.height - height)))

    def on_resize(self) -> None:
        """The editor moves with its segment."""
        self.call_after_refresh(self._place_editor)

    def on_edited(self, message: Edited) -> None:
        """Take the user's words, unless the segment went meanwhile."""
        if self.document.index_of(message.segment_id) is None:
            return
        final = self.document.edit(message.segment_id, message.text)
        if final is None:
            self._write(lambda journal: journal.drop(message.segment_id))
        else:
            self._write(lambda journal: journal.keep(final))
        self._changed(message.segment_id)
        self._close_editor()

    def on_edit_dropped(self, _: EditDropped) -> None:
        """Leave the segment as it was."""
        self._close_editor()

    def _close_editor(self) -> None:
        self.query(SegmentEditor).remove()
        self.transcript.focus()

    def scratch(self, before: int | None = None) -> None:
        """Take the last finished segment away, or the last before a number."""
        segment = self.document.undo(before)
        if segment is None:
            self.notify("Nothing to take away.")
            return
        self._write(lambda journal: journal.drop(segment.id))
        self._changed(segment.id)
        self.notify(f"Taken away: {_shortened(segment)}\nU brings it back.")

    def take_back(self, before: int) -> None:
        """Undo what was done last before a segment: a removal, or the writing of a text."""
        self._restore(self.document.take_back(before), "Nothing to undo.")

    def action_undo(self) -> None:
        """Take the last finished segment away."""
        self.scratch()

    def action_redo(self) -> None:
        """Bring a segment back."""
        self._restore(self.document.redo(), "Nothing to bring back.")

    def _restore(self, segment: Segment | None, otherwise: str) -> None:
        if segment is None:
            self.notify(otherwise)
            return
        if isinstance(segment.last, Final):
            self._keep(segment.last)
        self._changed(segment.id)

    # --- choosing, searching, copying ---

    def action_choose(self, step: int) -> None:
        """Choose the segment above or below."""
        segments = self.document.segments
        if not segments:
            return
        chosen = self.transcript.chosen
        index = None if chosen is None else self.document.index_of(chosen)
        index = len(segments) - 1 if index is None else max(0, min(len(segments) - 1, index + step))
        self.transcript.chosen = segments[index].id

    def on_transcript_view_chosen(self, message: TranscriptView.Chosen) -> None:
        """A click chooses, a second one chooses none."""
        self.transcript.chosen = None if self.transcript.chosen == message.segment_id else message.segment_id

    def action_clear(self) -> None:
        """Choose no segment, and look for nothing."""
        self._search.display = False  # which a click or a tab may have left open
        self.transcript.chosen = None
        self.transcript.query_text = ""

    def action_search(self) -> None:
        """Open the search line."""
        self._search.display = True
        self._search.value = ""
        self._search.focus()

    def on_sought(self, message: Sought) -> None:
        """Mark the matches and go to the newest."""
        self.transcript.query_text = message.text
        matches = self.document.find(message.text) if message.text else []
        if matches:
            self.transcript.chosen = self.document.segments[matches[-1]].id
        if message.done:
            self._search.display = False
            self.transcript.focus()

    def action_match(self, step: int) -> None:
        """Go to the next match, or the one before, and round at the ends."""
        wanted = self.transcript.query_text
        matches = self.document.find(wanted) if wanted else []
        if not matches:
            self.notify(f"{wanted!r} is not in the transcript." if wanted else "Search first: /")
            return
        chosen = self.transcript.chosen
        here = self.document.index_of(chosen) if chosen is not None else None
        # n goes down the screen; what was chosen need not be a match
        later = [index for index in matches if here is None or (index - here) * step > 0]
        index = (min if step > 0 else max)(later or matches)
        self.transcript.chosen = self.document.segments[index].id

    def action_copy(self) -> None:
        """Copy the chosen segment, or everything, to the clipboard of the terminal."""
        chosen = self.transcript.chosen
        finals = [final for final in self.document.finals() if chosen in (None, final.segment_id)]
        if not finals:
            self.notify("Nothing to copy yet.")
            return
        self.app.copy_to_clipboard("\n".join(final.text for final in finals))
        words = sum(len(final.words) for final in finals)
        self.notify(f"Copied {words} {'word' if words == 1 else 'words'}.")

    def action_written(self) -> None:
        """Show the words as they were recognised, or the written text again."""
        self.document.show_raw(not self.document.is_raw)
        self.transcript.rewrap()
        self._place_editor()

    def action_confidence(self) -> None:
        """Colour words by how sure the recogniser is, or not."""
        self.transcript.shows_confidence = not self.transcript.shows_confidence


def _shortened(segment: Segment) -> str:
    text = segment.said.text
    return text if len(text) <= 40 else f"{text[:39]}…"
