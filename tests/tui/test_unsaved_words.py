"""No words are lost by leaving: a program with words that were not saved, or an edit that was begun."""

from pathlib import Path

import pytest
from fake_session import TEXTS, FakeJournal, FakeSessions, make_app, words
from test_keys import running, shown, until
from textual import events

from asr_app.events import Failed, Final
from tui.app import DictationApp
from tui.screens.dialogs import Leave, Picker
from tui.screens.dictation import DictationScreen
from tui.screens.save import Save
from tui.widgets.editor import SearchLine, SegmentEditor


async def test_restored_words_are_asked_about(sessions: FakeSessions, journal: FakeJournal) -> None:
    app = make_app(sessions, journal, restored=[Final(7, 1, words("from before"))])
    async with running(app, filled=False) as pilot:
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, Leave))


async def test_words_that_come_while_a_name_is_asked_for_are_saved_too(
    app: DictationApp, sessions: FakeSessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(app) as pilot:
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, Save))
        sessions.now.say(Final(3, 2, words("and the candles")), Final(4, 1, words("that is all")))
        await until(lambda: len(shown(app)) == 5)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, DictationScreen))
    assert Path("dictation.txt").read_text().splitlines() == [*TEXTS, "and the candles", "that is all"]


async def test_quit_of_the_command_palette_asks_too(app: DictationApp) -> None:
    async with running(app):
        (leave,) = (command.callback for command in app.get_system_commands(app.dictation) if command.title == "Quit")
        await leave()
        await until(lambda: isinstance(app.screen, Leave))


async def test_ctrl_c_says_how_to_leave(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("ctrl+c")
        await until(lambda: [note.message for note in app._notifications] == ["q leaves."])


async def test_who_goes_elsewhere_keeps_an_edit_and_types_no_letters_into_it(
    app: DictationApp, journal: FakeJournal
) -> None:
    async with running(app) as pilot:
        await pilot.press("e", "s")
        await pilot.click("#transcript", offset=(30, 2))
        await until(lambda: not app.screen.query(SegmentEditor))
        assert shown(app)[2] == journal.kept[2] == f"{TEXTS[2]}s"
        await pilot.press("escape", "e", "tab")
        await until(lambda: not app.screen.query(SegmentEditor))
        assert shown(app)[2] == f"{TEXTS[2]}s"


async def test_an_edit_without_a_change_is_none(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("e", "tab")
        await until(lambda: not app.screen.query(SegmentEditor))
        assert not app.document.segments[2].edited


async def test_another_window_leaves_an_edit_open(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("e", "s")
        app.post_message(events.AppBlur())
        await pilot.pause()
        app.post_message(events.AppFocus())
        await pilot.pause()
        await pilot.press("e", "n")
        assert app.screen.query_one(SegmentEditor).text == f"{TEXTS[2]}sen"
        await pilot.press("escape")
        assert shown(app)[2] == TEXTS[2]


async def test_one_edit_at_a_time(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("e", "s")
        await app.run_action("screen.edit")  # as the command palette does
        assert [editor.text for editor in app.screen.query(SegmentEditor)] == [f"{TEXTS[2]}s"]


async def test_escape_closes_a_search_that_lost_the_keys(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("slash", *"milk", "tab", "escape")
        assert not app.screen.query_one(SearchLine).display
        assert app.dictation.transcript.query_text == ""


async def test_the_same_microphone_begins_again_after_a_failure(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app) as pilot:
        for opened in (2, 3):
            sessions.now.say(Failed("the microphone is gone: choose another"))
            sessions.now.end()
            await until(lambda: app._session is None)
            await pilot.press("space")
            assert "m or l begins again" in next(reversed(list(app._notifications))).message
            await pilot.press("m")
            await until(lambda: isinstance(app.screen, Picker))
            await pilot.press("enter")
            await until(lambda opened=opened: len(sessions.opened) == opened and app._session is not None)
