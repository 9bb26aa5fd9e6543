"""Typing by the clipboard: put the text there, press Shift+Insert, put back what was there.

Text goes to both selections, since terminals paste the primary one with these keys and other programs the clipboard.
What comes back is one form of what was there: its text, or else its picture, or else the first form.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from asr_app.typing.keyboards import Keyboard, NothingTyped, PerhapsTyped
from asr_app.typing.session import CommandError, Session

logger = logging.getLogger(__name__)

Selection = Literal["clipboard", "primary"]
_SELECTIONS: tuple[Selection, ...] = ("clipboard", "primary")
_TEXTS = "text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "STRING", "TEXT"
_FETCHED_S = 0.4
"""A program fetches the text after it got the keys; none says when it has."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a selection held, in one form of a media type."""

    form: str
    data: bytes


class Clipboard(ABC):
    """Programs that read and write selections."""

    programs: ClassVar[tuple[str, ...]]

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def is_installed(self) -> bool:
        """Whether its programs are there."""
        return all(self._session.program(program) for program in self.programs)

    def content(self, selection: Selection) -> Content | None:
        """What a selection holds; None for nothing, and CommandError where it cannot be kept."""
        try:
            forms = self._forms(selection)
        except CommandError as error:
            if not error.started or "took longer" in str(error):
                raise
            return None  # they fail where nothing is held
        form = next((form for form in (*_TEXTS, "image/png") if form in forms), forms[0] if forms else None)
        return Content(form, self._read(selection, form)) if form else None

    @abstractmethod
    def _forms(self, selection: Selection) -> Sequence[str]: ...

    @abstractmethod
    def _read(self, selection: Selection, form: str) -> bytes: ...

    @abstractmethod
    def hold(self, selection: Selection, content: Content | None) -> None:
        """Let a selection hold something, or nothing."""


class WaylandClipboard(Clipboard):
    """wl-clipboard."""

    programs = "wl-copy", "wl-paste"

    def _forms(self, selection: Selection) -> Sequence[str]:
        return self._session.run(["wl-paste", *_primary(selection), "--list-types"]).decode().splitlines()

    def _read(self, selection: Selection, form: str) -> bytes:
        return self._session.run(["wl-paste", *_primary(selection), "--no-newline", "--type", form])

    def hold(self, selection: Selection, content: Content | None) -> None:
        """See Clipboard."""
        if content:
            self._session.run(["wl-copy", *_primary(selection), "--type", content.form], content.data)
        else:
            self._session.run(["wl-copy", *_primary(selection), "--clear"])


class Xclip(Clipboard):
    """xclip; not xsel, which hands out other letters than ASCII in a form that xterm misreads."""

    programs = ("xclip",)
    _ABOUT = frozenset({"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", "DELETE"})
    """Targets that tell of a selection or act on it, and are no form of it."""

    def _forms(self, selection: Selection) -> Sequence[str]:
        forms = self._session.run(["xclip", "-selection", selection, "-out", "-target", "TARGETS"]).decode().split()
        return [form for form in forms if form not in self._ABOUT]

    def _read(self, selection: Selection, form: str) -> bytes:
        return self._session.run(["xclip", "-selection", selection, "-out", "-target", form])

    def hold(self, selection: Selection, content: Content | None) -> None:
        """See Clipboard; nothing is an empty text here."""
        form, data = (content.form, content.data) if content else ("UTF8_STRING", b"")
        self._session.run(["xclip", "-selection", selection, "-in", "-target", form], data)


class Paste:
    """A tool that types by the clipboard, with the keys of another tool."""

    name = "clipboard"

    def __init__(self, session: Session, keyboards: Sequence[Keyboard], fetched_s: float = _FETCHED_S) -> None:
        """keyboards: the first that can be used presses the keys. fetched_s: until what was there is put back."""
        self._session, self._keyboards, self._fetched_s = session, keyboards, fetched_s

    @property
    def obstacle(self) -> str:
        """Why it cannot be used now, and what to do; empty where it can."""
        if self._session.display == "none":
            return "neither WAYLAND_DISPLAY nor DISPLAY is set: the clipboard needs a desktop"
        if self._clipboard() is None:
            return f"no clipboard program: install {'wl-clipboard' if self._session.display == 'wayland' else 'xclip'}"
        return "" if any(not one.obstacle for one in self._keyboards) else "no tool can press Shift+Insert"

    def type(self, text: str) -> None:
        """Paste a text once; NothingTyped unless the keys may have been pressed, PerhapsTyped after that."""
        clipboard = self._clipboard()
        if clipboard is None:
            raise NothingTyped(self.obstacle)
        try:
            before = {selection: clipboard.content(selection) for selection in _SELECTIONS}
        except CommandError as error:
            raise NothingTyped(f"{error}: what the clipboard holds could not be kept") from error
        try:
            self._put(clipboard, text)
            self._press()
            time.sleep(self._fetched_s)
        finally:
            _restore(clipboard, before)

    def _put(self, clipboard: Clipboard, text: str) -> None:
        form = "text/plain;charset=utf-8" if self._session.display == "wayland" else "UTF8_STRING"
        try:
            for selection in _SELECTIONS:
                clipboard.hold(selection, Content(form, text.encode()))
        except CommandError as error:
            raise NothingTyped(f"{error}: the clipboard took no text") from error

    def _press(self) -> None:
        failures = []
        for keyboard in self._keyboards:
            if keyboard.obstacle:
                continue
            try:
                keyboard.paste()
            except PerhapsTyped:
                time.sleep(self._fetched_s)  # for the keys may have been pressed
                raise
            except NothingTyped as error:
                failures.append(str(error))
            else:
                return
        raise NothingTyped("; ".join(failures) or self.obstacle)

    def _clipboard(self) -> Clipboard | None:
        kind = WaylandClipboard if self._session.display == "wayland" else Xclip
        clipboard = kind(self._session)
        return clipboard if clipboard.is_installed else None


def _restore(clipboard: Clipboard, before: dict[Selection, Content | None]) -> None:
    for selection, content in before.items():
        try:
            clipboard.hold(selection, content)
        except CommandError as error:
            logger.warning("%s: the %s selection was not put back", error, selection)


def _primary(selection: Selection) -> list[str]:
    return ["--primary"] if selection == "primary" else []
