"""What opens over the transcript: choosing from a list, leaving, help."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Label, OptionList, Static
from textual.widgets.option_list import Option


class Picker(ModalScreen[str | None]):
    """A list to choose from; the name chosen, None where the user leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave")]

    def __init__(self, title: str, names: Sequence[str], current: str) -> None:
        super().__init__()
        self._title, self._names, self._current = title, names, current

    def compose(self) -> ComposeResult:
        """Title and list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield OptionList(*(Option(self._row(name)) for name in self._names))
            yield Label("enter chooses · escape leaves", classes="hint")

    def on_mount(self) -> None:
        """Begin at what is chosen now."""
        if self._current in self._names:
            self.query_one(OptionList).highlighted = self._names.index(self._current)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """That one."""
        self.dismiss(self._names[event.option_index])

    def _row(self, name: str) -> Content:
        mark = Content.styled("● ", "$success") if name == self._current else Content("  ")
        return mark + Content(name)


class Leave(ModalScreen[Literal["save", "discard"] | None]):
    """What is to become of words that were not saved; None stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Stay"),
        Binding("s", "dismiss('save')", "Save"),
        Binding("d", "dismiss('discard')", "Discard"),
    ]

    def __init__(self, words: int) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """The question and three answers."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Leave"
            are = "word is" if self._words == 1 else "words are"
            yield Static(f"{self._words} {are} not saved.")
            with Horizontal(classes="buttons"):
                yield Button("Save", variant="primary", id="save", compact=True)
                yield Button("Discard", variant="error", id="discard", compact=True)
                yield Button("Stay", id="stay", compact=True)
            yield Label("s saves · d discards · escape stays", classes="hint")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The answer."""
        answers: dict[str, Literal["save", "discard"]] = {"save": "save", "discard": "discard"}
        self.dismiss(answers.get(event.button.id or ""))


_HELP = (
    ("space", "pause, and listen again"),
    ("e", "edit the chosen segment, or the last"),
    ("u  U", "take the last segment away, bring it back"),
    ("/  n N", "search; next and previous match"),
    ("c", "copy the chosen segment, or everything"),
    ("s", "save as text, SRT, VTT or JSON"),
    ("↑ ↓", "choose a segment; escape chooses none"),
    ("w", "written text, or the raw words"),
    ("end", "follow the newest words again"),
    ("a", "add a word of your own: a name, a term"),
    ("m  l", "microphone; model"),
    ("v", "colour words by confidence"),
    ("t", "light or dark"),
    ("ctrl+p", "every command, by name"),
    ("q", "leave"),
)


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """A table."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Keys"
            rows = [Content.styled(f"{key:<9}", "$accent bold") + Content(text) for key, text in _HELP]
            yield Static(Content("\n").join(rows))
            yield Label("escape closes", classes="hint")
