"""The real program in a real terminal, which tmux is; a recording is played to it."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240.0
_COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("tmux") and shutil.which("pgrep")), reason="needs tmux and pgrep"),
    pytest.mark.skipif(
        not (ROOT / "asr_app" / "resources" / "english" / "model.json").is_file(), reason="no recogniser is shipped"
    ),
]


def until(true: Callable[[], bool], complaint: Callable[[], str] = str) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, complaint()
        time.sleep(0.2)


class Terminal:
    """A terminal of 80 by 24, with a folder of its own for all that the program keeps."""

    def __init__(self, folder: Path, number: int, **variables: str) -> None:
        self.folder = folder
        self._tmux = ["tmux", "-S", str(folder / f"tmux-{number}"), "-f", os.devnull]
        state = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("STATE", "CONFIG")}
        self._environment = {**os.environ, **state, "PYTHONPATH": str(ROOT), **variables}

    def start(self, *arguments: object) -> None:
        command = [sys.executable, "-m", "asr_app.cli.main", "dictate", *map(str, arguments)]
        # its shell stays when the program ends, so that what it printed last can be read
        shell = f"{' '.join(command)}; echo ended with $?; sleep 1000"
        self._run("new-session", "-d", "-x", "80", "-y", "24", "-c", str(self.folder), shell)

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def shows(self, text: str) -> bool:
        return text in self._run("capture-pane", "-p")

    def has_colours(self) -> bool:
        return bool(_COLOUR.search(self._run("capture-pane", "-p", "-e")))

    def wait(self, text: str) -> None:
        until(lambda: self.shows(text), lambda: f"{text!r} does not appear:\n{self._run('capture-pane', '-p')}")

    def program(self) -> int:
        """The process's number."""
        shell = self._run("list-panes", "-F", "#{pane_pid}").strip()
        return int(subprocess.run(["pgrep", "-P", shell], capture_output=True, text=True, check=True).stdout)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """A function that opens a terminal; all of them see the same folder."""
    opened: list[Terminal] = []

    def open_one(**variables: str) -> Terminal:
        for one in opened:
            one.close()
        opened.append(Terminal(tmp_path, len(opened), **variables))  # a server that ends keeps its socket for a while
        return opened[-1]

    yield open_one
    opened[-1].close()


def test_a_dictation_survives_being_killed_and_is_saved(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    first = terminal()
    first.start("--source", ROOT / "samples" / "train.flac", "--record", tmp_path / "sound")
    first.wait("● REC")
    first.wait("Finished")
    assert first.shows("half past nine")
    assert first.has_colours()
    (journal,) = (tmp_path / "state" / "asr").iterdir()
    until(lambda: '"nine"' in journal.read_text())  # on the screen they may be words in progress yet
    os.kill(first.program(), 9)
    first.wait("ended with 137")
    assert journal.stat().st_mode & 0o777 == 0o600
    (sound,) = (tmp_path / "sound").iterdir()
    assert sound.stat().st_size > 100_000

    second = terminal(NO_COLOR="1")
    second.start("--resume", "--source", ROOT / "samples" / "kettle.wav")
    second.wait("half past nine")
    second.wait("Finished")
    assert not second.has_colours()
    second.press("s")
    second.wait("enter saves")  # the keys below the transcript say Save, too
    second.press("Enter")
    second.wait("Saved to")
    second.press("q")
    second.wait("ended with 0")
    (saved,) = tmp_path.glob("dictation-*.txt")
    lines = saved.read_text().splitlines()
    assert "half past nine" in lines[0]
    assert len(lines) > 1
    assert not journal.exists()
