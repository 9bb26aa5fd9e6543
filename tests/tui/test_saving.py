"""Names under which nothing can be saved: the screen says so, and goes on."""

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from test_keys import running, until
from textual.pilot import Pilot
from textual.widgets import Input, Label

from tui.app import DictationApp
from tui.screens.dictation import DictationScreen
from tui.screens.save import Save


@asynccontextmanager
async def saving(app: DictationApp) -> AsyncIterator[Pilot[Any]]:
    """The app with its question for a name."""
    async with running(app) as pilot:
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, Save))
        yield pilot


def problem(app: DictationApp) -> str:
    return str(app.screen.query_one("#problem", Label).content)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("~nobody-of-this-name.txt", "nobody of this name"),
        (f"{'long' * 75}.txt", "File name too long"),
        ("[/no]where/a.txt", "that folder is not there"),
        ("[/folder].txt", "Is a directory"),
    ],
    ids=["home", "long", "nowhere", "folder"],
)
async def test_a_name_that_cannot_be_is_told(
    app: DictationApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "[").mkdir()
    (tmp_path / "[" / "folder].txt").mkdir()
    async with saving(app) as pilot:
        app.screen.query_one(Input).value = name
        await pilot.press("enter", "enter")  # the second replaces what exists
        await until(lambda: reason in problem(app))
        assert isinstance(app.screen, Save)


async def test_a_place_that_must_not_be_looked_at_is_told(app: DictationApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    async with saving(app) as pilot:
        monkeypatch.setattr(Path, "exists", forbidden)
        await pilot.press("enter")
        assert problem(app) == "Permission denied: choose another place"


async def test_another_format_without_a_name_proposes_one(app: DictationApp) -> None:
    async with saving(app) as pilot:
        app.screen.query_one(Input).value = ""
        await pilot.press("tab", "right", "enter")
        assert app.screen.query_one(Input).value == "dictation.srt"


async def test_a_full_disk_leaves_the_file_that_was_to_be_replaced(
    app: DictationApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    Path("dictation.txt").write_text("older")
    async with saving(app) as pilot:
        await pilot.press("enter", "enter")
        assert problem(app).startswith("dictation.txt: No space left on device")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]


async def test_brackets_of_a_name_are_shown(app: DictationApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("[").mkdir()
    async with saving(app) as pilot:
        app.screen.query_one(Input).value = "[/notes].txt"
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, DictationScreen))
        (saved,) = app._notifications
        assert (saved.message, saved.markup) == ("Saved to [/notes].txt.", False)
