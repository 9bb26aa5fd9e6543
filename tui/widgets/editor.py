"""Rewriting a segment where it stands, and the line in which a text is looked for."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input, TextArea

from tui.messages import EditDropped, Edited, Sought


class SegmentEditor(TextArea):
    """A segment's words, to be changed; enter takes them, and going elsewhere; escape leaves them as they were."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Keep the change", priority=True),
        Binding("escape", "leave", "Leave it as it was", priority=True),
    ]

    def __init__(self, segment_id: int, text: str) -> None:
        super().__init__(text, soft_wrap=True, compact=True, show_line_numbers=False, highlight_cursor_line=False)
        self.segment_id = segment_id
        self._before, self._is_done = text, False
        self.move_cursor(self.document.end)

    def action_take(self) -> None:
        """Hand the text over, once keys that came before are in it."""
        if not self._is_done:
            self._is_done = True
            self.call_later(lambda: self.post_message(Edited(self.segment_id, self.text)))

    def action_leave(self) -> None:
        """Drop it."""
        if not self._is_done:
            self._is_done = True
            self.post_message(EditDropped())

    def on_blur(self) -> None:
        """A click or a tab elsewhere ends the edit, lest what is typed on act as keys; another window does not."""
        if not self.app.app_focus:
            return
        if self.text == self._before:
            self.action_leave()
        else:
            self.action_take()


class SearchLine(Input):
    """What to look for; matches show while it is typed, enter keeps them, escape clears them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Clear the search")]

    def __init__(self) -> None:
        super().__init__(placeholder="Search the transcript", id="search", compact=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look at once."""
        event.stop()
        self.post_message(Sought(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on with the matches marked."""
        event.stop()
        self.post_message(Sought(event.value, done=True))

    def action_leave(self) -> None:
        """Go on without."""
        self.post_message(Sought("", done=True))
