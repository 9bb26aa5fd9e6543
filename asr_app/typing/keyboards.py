"""Programs that press keys in the focused window.

None of them says how far it got. What is known: a program that was not started typed nothing, nor did one that could
not reach its display or device, which each checks before its first key and complains about in words of its own.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from asr_app.errors import AsrError
from asr_app.typing.session import CommandError, Session

_TIMEOUT_S, _TIMEOUT_A_CHARACTER_S = 5.0, 0.1
_UINPUT_ADVICE = "join the group of /dev/uinput (often input), or add a udev rule for it"


class NothingTyped(AsrError):
    """A tool failed before its first key: another one may try."""


class Untypeable(NothingTyped):
    """A tool has no keys for some character of a text; it may have them for the next text."""


class PerhapsTyped(AsrError):
    """A tool failed when some of the text may have gone out: to type it again could type it twice."""


class Keyboard(ABC):
    """A tool that types."""

    name: ClassVar[str]
    refusals: ClassVar[tuple[str, ...]]
    """Complaints of the program before its first key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def obstacle(self) -> str:
        """Why it cannot be used now, and what to do; empty where it can."""
        return f"{self.name} is not installed" if self._session.program(self.name) is None else self._missing()

    @abstractmethod
    def _missing(self) -> str:
        """What the program needs and the session lacks."""

    @abstractmethod
    def type(self, text: str) -> None:
        """Type a text once. Raises NothingTyped where surely nothing went out, else PerhapsTyped."""

    @abstractmethod
    def paste(self) -> None:
        """Press Shift+Insert; raises as `type` does."""

    def _run(self, command: list[str], given: str = "") -> None:
        timeout_s = _TIMEOUT_S + _TIMEOUT_A_CHARACTER_S * len(given)
        try:
            self._session.run(command, given.encode(), timeout_s)
        except CommandError as error:
            if not error.started or any(words in error.complaint for words in self.refusals):
                raise NothingTyped(f"{error}: it could not begin") from error
            raise PerhapsTyped(str(error)) from error


class Wtype(Keyboard):
    """The virtual keyboard of Wayland compositors of the wlroots family; any character."""

    name = "wtype"
    refusals = ("Wayland connection failed", "does not support the virtual keyboard protocol", "No seat found")

    def _missing(self) -> str:
        return "" if self._session.has("WAYLAND_DISPLAY") else "WAYLAND_DISPLAY is not set: wtype needs Wayland"

    def type(self, text: str) -> None:
        """See Keyboard."""
        self._run([self.name, "-"], text)

    def paste(self) -> None:
        """See Keyboard."""
        self._run([self.name, "-M", "shift", "-k", "Insert", "-m", "shift"])


class Xdotool(Keyboard):
    """X11, here ASCII only; under Wayland it reaches only programs that still speak X11.

    A character that the keyboard lacks gets a key for a moment, and programs that look too late read another one.
    """

    name = "xdotool"
    refusals = ("Can't open display", "Failed creating new xdo instance")

    def _missing(self) -> str:
        return "" if self._session.has("DISPLAY") else "DISPLAY is not set: xdotool needs X11"

    def type(self, text: str) -> None:
        """See Keyboard."""
        _check_ascii(self.name, text)
        self._run([self.name, "type", "--clearmodifiers", "--file", "-"], text)

    def paste(self) -> None:
        """See Keyboard."""
        self._run([self.name, "key", "--clearmodifiers", "shift+Insert"])


class Ydotool(Keyboard):
    """The kernel's own input devices, through ydotoold; the keys of an American keyboard."""

    name = "ydotool"
    refusals = ("failed to connect socket", "failed to open uinput device")

    def _missing(self) -> str:
        return "" if self._socket().is_socket() else "ydotoold does not run: start it (systemctl --user start ydotool)"

    def _socket(self) -> Path:
        named = self._session.environment.get("YDOTOOL_SOCKET")
        runtime = Path(self._session.environment.get("XDG_RUNTIME_DIR", "/tmp")) / ".ydotool_socket"
        return Path(named) if named else runtime if runtime.exists() else Path("/tmp/.ydotool_socket")

    def type(self, text: str) -> None:
        """See Keyboard."""
        _check_ascii(self.name, text)
        self._run([self.name, "type", "--file", "-"], text)

    def paste(self) -> None:
        """See Keyboard; the numbers are those of linux/input-event-codes.h, as ydotool 1.0 wants them."""
        self._run([self.name, "key", "42:1", "110:1", "110:0", "42:0"])


class Dotool(Keyboard):
    """The kernel's own input devices; the keys of the keyboard that DOTOOL_XKB_LAYOUT names, here ASCII only."""

    name = "dotool"
    refusals = ("/dev/uinput",)

    def _missing(self) -> str:
        if self._pipe().is_fifo() or self._session.may_write(self._session.uinput):
            return ""
        return f"{self._session.uinput} may not be written: {_UINPUT_ADVICE}"

    def _pipe(self) -> Path:
        return Path(self._session.environment.get("DOTOOL_PIPE", "/tmp/dotool-pipe"))

    def type(self, text: str) -> None:
        """See Keyboard."""
        _check_ascii(self.name, text)
        self._act(*_actions(text))

    def paste(self) -> None:
        """See Keyboard."""
        self._act("key shift+insert")

    def _act(self, *actions: str) -> None:
        """Through dotoold where it runs: a device that was there before loses no first keys."""
        program = "dotoolc" if self._pipe().is_fifo() else self.name
        self._run([program], "".join(f"{action}\n" for action in actions))


KEYBOARDS: dict[str, type[Keyboard]] = {tool.name: tool for tool in (Wtype, Xdotool, Ydotool, Dotool)}


def _check_ascii(name: str, text: str) -> None:
    if not text.isascii():
        raise Untypeable(f"{name} has no keys for some of the characters")


def _actions(text: str) -> list[str]:
    """A text as dotool's lines: leading spaces and line breaks are keys, since `type` may not keep them."""
    actions: list[str] = []
    for number, line in enumerate(text.split("\n")):
        words = line.lstrip(" ")
        actions += ["key enter"] * (number > 0) + ["key space"] * (len(line) - len(words))
        actions += [f"type {words}"] * bool(words)
    return actions
