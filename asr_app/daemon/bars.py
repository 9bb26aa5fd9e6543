"""What a desktop bar shows of the daemon, a line for each change.

waybar: a custom module with "return-type": "json" (waybar-custom(5)). i3status: the protocol that i3bar and swaybar
read of their status_command (i3wm.org/docs/i3bar-protocol.html).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

_ICONS = {"loading": "…", "idle": "○", "listening": "●", "speech": "◉", "finishing": "◌", "stopped": "✕"}
_COLOURS = {"listening": "#ffffff", "speech": "#5fd75f", "finishing": "#ffd75f", "stopped": "#ff5f5f"}
_IDLE_COLOUR = "#888888"
_LONGEST = 40
"""Characters of the words in progress, the last of them."""

Message = dict[str, Any]


def json_lines(messages: Iterable[Message]) -> Iterator[str]:
    """Every message as it came."""
    return (json.dumps(message, ensure_ascii=False) for message in messages)


def waybar(messages: Iterable[Message]) -> Iterator[str]:
    """Objects with text (Pango markup), the state as class and alt, and a tooltip."""
    for state, words in _shown(messages):
        text = escape(f"{_ICONS.get(state, state)} {words}".strip(), quote=False)
        yield json.dumps({"text": text, "alt": state, "class": state, "tooltip": f"asr: {state}"}, ensure_ascii=False)


def i3status(messages: Iterable[Message]) -> Iterator[str]:
    """The endless array of the protocol, a block in each of its arrays."""
    yield '{"version": 1}'
    yield "["
    for state, words in _shown(messages):
        text = f"{_ICONS.get(state, state)} {words}".strip()
        block = {"name": "asr", "full_text": text, "color": _COLOURS.get(state, _IDLE_COLOUR)}
        yield json.dumps([block], ensure_ascii=False) + ","


FORMATS: dict[str, Callable[[Iterable[Message]], Iterator[str]]] = {
    "json": json_lines,
    "waybar": waybar,
    "i3status": i3status,
}


def _shown(messages: Iterable[Message]) -> Iterator[tuple[str, str]]:
    """State and words in progress, where one of them changed."""
    shown, state = None, "idle"
    for message in messages:
        words = ""
        if message["type"] == "state":
            state = message["state"]
        elif message["type"] == "partial":
            words = " ".join(word["text"] for word in message["words"])[-_LONGEST:]
        elif message["type"] != "final":
            continue
        if (state, words) != shown:
            shown = state, words
            yield shown
