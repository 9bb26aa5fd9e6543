"""The terminal while a screen is open: the screen's alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def screen_alone() -> Iterator[None]:
    """Let nothing but the screen write to the terminal.

    C libraries (ALSA, PortAudio) write what they think of a lost device straight to descriptor 2, from threads of their
    own, and sounddevice points it elsewhere each time it looks for devices. Textual draws through it, too: so
    the screen gets a descriptor of its own here, and what else goes to number 2 goes nowhere.
    """
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    before = sys.__stderr__
    with open(terminal, "w", encoding="utf-8", closefd=False) as screen:
        sys.__stderr__ = screen  # type: ignore[misc]
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            sys.__stderr__ = before  # type: ignore[misc]
    os.close(terminal)
