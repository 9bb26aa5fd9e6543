"""A chain of tools that type: where one cannot begin, the next one types. No text is typed twice."""

import logging
from collections.abc import Sequence
from typing import Protocol

from asr_app.errors import ConfigError, OutputError
from asr_app.typing.clipboard import Paste
from asr_app.typing.keyboards import KEYBOARDS, NothingTyped, PerhapsTyped, Untypeable
from asr_app.typing.session import Display, Session
from asr_app.typing.text import between, typeable

logger = logging.getLogger(__name__)

_CHAINS: dict[Display, tuple[str, ...]] = {
    "wayland": ("wtype", "ydotool", "dotool", Paste.name),
    "x11": ("xdotool", "ydotool", "dotool", Paste.name),
    "none": ("ydotool", "dotool"),
}
TOOLS = (*KEYBOARDS, Paste.name)
"""Names of all tools."""


class TypingError(OutputError):
    """A text was not typed, or not whole."""


class Tool(Protocol):
    """Types a text into the focused window."""

    @property
    def name(self) -> str:
        """What users call it."""
        ...

    @property
    def obstacle(self) -> str:
        """Why it cannot be used now, and what to do; empty where it can."""
        ...

    def type(self, text: str) -> None:
        """Type a text once. Raises NothingTyped where surely nothing went out, else PerhapsTyped."""
        ...


def tools_of(session: Session, names: Sequence[str] = ()) -> list[Tool]:
    """The tools of some names, or all that suit the session, in the order in which they are tried."""
    names = names or _CHAINS[session.display]
    if unknown := next((name for name in names if name not in TOOLS), None):
        raise ConfigError(f"no typing tool {unknown!r}: choose among {', '.join(TOOLS)}")
    keyboards = {name: kind(session) for name, kind in KEYBOARDS.items()}
    suited = [keyboards[name] for name in _CHAINS[session.display] if name in keyboards]
    return [keyboards[name] if name in keyboards else Paste(session, suited) for name in names]


class TypingSink:
    """Types texts in their order; a daemon's Sink."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        """tools: the first that can be used types. ConfigError where none can."""
        self._tools = list(tools)
        self._before = ""
        if all(tool.obstacle for tool in tools):
            raise ConfigError(f"nothing can type here: {'; '.join(self._obstacles())}; `asr doctor` tells what to do")

    def write(self, text: str) -> None:
        """Type a text, parted from the one before; TypingError where it was not typed, or perhaps not whole."""
        clean = typeable(text)
        if clean:
            self._type(between(self._before, clean) + clean)

    def _type(self, text: str) -> None:
        failures = []
        for tool in [tool for tool in self._tools if not tool.obstacle]:
            try:
                tool.type(text)
            except Untypeable as error:
                failures.append(str(error))
                logger.info("%s: the next tool types them", error)
            except NothingTyped as error:
                failures.append(f"{tool.name}: {error}")
                logger.warning("%s did not type: %s: the next tool is tried", tool.name, error)
                self._tools.remove(tool)  # tried last from now on
                self._tools.append(tool)
            except PerhapsTyped as error:
                self._before = text
                raise TypingError(f"{error}: part of the text may be missing, and is not typed again") from error
            else:
                self._before = text
                return
        reasons = "; ".join([*failures, *self._obstacles()])
        raise TypingError(f"nothing typed the text: {reasons}; `asr doctor` tells what to do")

    def _obstacles(self) -> list[str]:
        return [tool.obstacle for tool in self._tools if tool.obstacle]
