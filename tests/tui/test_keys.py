"""Every key of the screen, pressed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_session import TEXTS, FakeJournal, FakeSessions, make_app, script, words
from textual.pilot import Pilot
from textual.widgets import Input, Label, OptionList

from asr_app.errors import AudioDeviceError, OutputError
from asr_app.events import Failed, Final, Partial
from tui.app import DictationApp
from tui.messages import Edited
from tui.screens.dialogs import Help, Leave, Picker
from tui.screens.dictation import DictationScreen
from tui.screens.save import Save
from tui.screens.words import AddWord
from tui.session import State
from tui.widgets.editor import SearchLine, SegmentEditor


async def until(true: Callable[[], object]) -> None:
    """Wait for what another thread brings about."""
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not come about")


@asynccontextmanager
async def running(
    app: DictationApp, filled: bool = True, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[Any]]:
    """The app with an open session, and the script's segments on the screen."""
    sessions: Any = app.sessions
    async with app.run_test(size=size) as pilot:
        await until(lambda: app._session is not None)
        if filled:
            sessions.now.say(*script())
            await until(lambda: len(app.document.segments) == 4)
        await pilot.pause()
        yield pilot
        sessions.now.end()


def shown(app: DictationApp) -> list[str]:
    return [segment.said.text for segment in app.document.segments]


async def test_words_appear_as_they_are_spoken(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app, filled=False):
        sessions.now.say(Partial(0, 1, words("the"), 0), Partial(0, 2, words("the mail"), 1))
        await until(lambda: shown(app) == ["the mail"])
        sessions.now.say(Final(0, 3, words("the mail came")))
        await until(lambda: shown(app) == ["the mail came"])


async def test_a_word_more_draws_its_own_line_and_no_other(
    app: DictationApp, sessions: FakeSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(app) as pilot:
        view, drawn = app.dictation.transcript, list[str]()
        draw = view.render_line
        monkeypatch.setattr(view, "render_line", lambda y: (drawn.append(draw(y).text), draw(y))[1])
        sessions.now.say(Partial(3, 2, words("and do not forget the candles please"), 5))
        await until(lambda: "please" in shown(app)[-1])
        await pilot.pause()
        assert "please" in "".join(strip.text for strip in view.render_lines(view.size.region))
        assert {line.rstrip().endswith("please") for line in drawn} == {True}


async def test_stale_partials_are_passed_over_and_finals_never(app: DictationApp, sessions: FakeSessions) -> None:
    heard: list[str] = []
    hear = app.dictation.hear
    app.dictation.hear = lambda said: (heard.append(said.text), hear(said))[1]  # type: ignore[method-assign]
    async with running(app, filled=False):
        for number in range(20):
            sessions.now.say(*(Partial(number, k, words(f"{number} {k}")) for k in range(1, 50)))
            sessions.now.say(Final(number, 50, words(f"{number} done")))
        await until(lambda: f"{19} done" in heard)
    assert [text for text in heard if text.endswith("done")] == [f"{number} done" for number in range(20)]
    assert shown(app) == [f"{number} done" for number in range(20)]
    assert len(heard) < 900


async def test_space_pauses_and_resumes(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app) as pilot:
        await pilot.press("space")
        assert app.status.state is State.PAUSED
        await pilot.press("space")
        assert app.status.state is State.LISTENING
    assert sessions.now.calls[:2] == ["pause", "resume"]


async def test_e_edits_in_place_and_no_revision_overwrites_it(
    app: DictationApp, sessions: FakeSessions, journal: FakeJournal
) -> None:
    async with running(app) as pilot:
        await pilot.press("up", "up", "up", "up", "e")
        editor = app.screen.query_one(SegmentEditor)
        assert editor.text == TEXTS[0]
        assert editor.region.y == app.dictation.transcript.region.y + 1
        await pilot.press(*[" " if letter == " " else letter for letter in " soon"], "enter")
        assert shown(app)[0] == f"{TEXTS[0]} soon"
        assert journal.kept[0] == f"{TEXTS[0]} soon"
        sessions.now.say(Final(0, 9, words("a later pass")), Final(4, 1, words("more")))
        await until(lambda: len(shown(app)) == 5)
        assert shown(app)[0] == f"{TEXTS[0]} soon"
        assert not app.screen.query(SegmentEditor)


async def test_an_edit_of_a_segment_that_went_meanwhile_changes_nothing(app: DictationApp) -> None:
    async with running(app) as pilot:
        app.dictation.scratch()
        app.dictation.post_message(Edited(2, "too late"))
        await pilot.pause()
        assert shown(app) == [*TEXTS[:2], "and do not forget the candles"]


async def test_an_edit_can_be_left(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("e", "x", "slash")
        assert app.screen.query_one(SegmentEditor).text == f"{TEXTS[2]}x/"
        assert "slash" not in app.screen.active_bindings  # below the transcript it would say Search
        await pilot.press("escape")
        assert shown(app)[2] == TEXTS[2]
        assert not app.screen.query(SegmentEditor)


async def test_u_takes_the_last_segment_away_and_shift_u_brings_it_back(
    app: DictationApp, journal: FakeJournal
) -> None:
    async with running(app) as pilot:
        await pilot.press("u", "u")
        assert shown(app) == [TEXTS[0], "and do not forget the candles"]
        assert list(journal.kept) == [0, 3]  # the last is in progress
        await pilot.press("U", "U", "U")
        assert shown(app)[:3] == list(TEXTS)
        assert sorted(journal.kept) == [0, 1, 2, 3]


async def test_slash_searches_and_n_goes_round(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("slash", *"AND", "enter")
        view = app.dictation.transcript
        assert (view.query_text, view.chosen) == ("AND", 3)
        assert not app.screen.query_one(SearchLine).display
        went = []
        for key in ("N", "N", "N", "n"):
            await pilot.press(key)
            went.append(view.chosen)
        assert went == [2, 1, 0, 1]
        await pilot.press("escape")
        assert (view.query_text, view.chosen) == ("", None)


async def test_c_copies_the_chosen_segment_or_everything(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("c")
        assert app.clipboard == "\n".join([*TEXTS, "and do not forget the candles"])
        await pilot.press("up", "up", "c")
        assert app.clipboard == TEXTS[2]


@pytest.mark.parametrize(("presses", "name"), [(0, "txt"), (1, "srt"), (2, "vtt"), (3, "json")])
async def test_s_saves_in_four_formats(
    app: DictationApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, presses: int, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(app) as pilot:
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, Save))
        await pilot.press("tab", *["right", "enter"] * presses, "shift+tab", "enter")
        await until(lambda: isinstance(app.screen, DictationScreen))
    text = (tmp_path / f"dictation.{name}").read_text()
    expected = {"txt": TEXTS[0], "srt": "1\n", "vtt": "WEBVTT\n", "json": json.dumps(TEXTS[0])}[name]
    assert text.lstrip("[").startswith(expected)
    assert app.dictation.saved


async def test_saving_replaces_nothing_unasked_and_says_what_is_wrong(
    app: DictationApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dictation.txt").write_text("older")
    async with running(app) as pilot:
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, Save))
        await pilot.press("enter")
        assert (tmp_path / "dictation.txt").read_text() == "older"
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, DictationScreen))
        assert (tmp_path / "dictation.txt").read_text().startswith(TEXTS[0])
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, Save))
        for name in ("nowhere/a.txt", "a.doc"):
            app.screen.query_one(Input).value = name
            await pilot.press("enter")
            assert isinstance(app.screen, Save)
        await pilot.press("escape")


async def test_m_picks_a_microphone_and_its_words_go_on_after_the_others(
    app: DictationApp, sessions: FakeSessions
) -> None:
    async with running(app) as pilot:
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, Picker))
        assert app.screen.query_one(OptionList).highlighted == 0
        await pilot.press("down", "enter")
        await until(lambda: len(sessions.opened) == 2)
        assert sessions.opened[0].calls == ["stop"]
        sessions.now.say(Final(0, 1, words("from the other one")))
        await until(lambda: len(shown(app)) == 5)
        assert sessions.asked[-1] == (None, "Built-in Microphone")
        assert shown(app)[4] == "from the other one"
        assert app.document.segments[4].start_s > app.document.segments[3].start_s


async def test_a_microphone_that_does_not_open_leaves_the_one_that_did(
    app: DictationApp, sessions: FakeSessions
) -> None:
    async with running(app) as pilot:
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, Picker))
        await pilot.press("end", "enter")
        await until(lambda: len(sessions.opened) == 2)
        assert sessions.asked == [(None, None), (None, "Broken Microphone"), (None, None)]
        assert len(shown(app)) == 4


async def test_microphones_that_cannot_be_asked_for_are_told(
    app: DictationApp, sessions: FakeSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> list[str]:
        raise AudioDeviceError("PortAudio does not start: restart the sound server")

    monkeypatch.setattr(sessions, "devices", none)
    async with running(app) as pilot:
        await pilot.press("m")
        await until(lambda: list(app._notifications))
        assert next(note.message for note in app._notifications).startswith("PortAudio does not start")
        assert isinstance(app.screen, DictationScreen)


async def test_l_picks_a_model(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app) as pilot:
        await pilot.press("l")
        await until(lambda: isinstance(app.screen, Picker))
        await pilot.press("down", "enter")
        await until(lambda: len(sessions.opened) == 2)
        await until(lambda: app.status.model == "english-large")


async def test_a_adds_a_word_and_says_what_is_wrong_with_it(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app) as pilot:
        await pilot.press("a")
        await until(lambda: isinstance(app.screen, AddWord))
        await pilot.press("enter", *"[/N]gß", "enter")
        problem = app.screen.query_one("#problem", Label)
        await until(lambda: "cannot be spelled" in str(problem.content))
        await pilot.press(*["backspace"] * 6, *"Nguyen", "tab", *"new-win", "enter")
        await until(lambda: isinstance(app.screen, DictationScreen))
    assert sessions.added == [("Nguyen", "new-win")]


async def test_v_colours_by_confidence(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app) as pilot:
        sessions.now.say(Final(4, 1, words("doubtful", confidence=0.2)))
        await until(lambda: len(shown(app)) == 5)
        view = app.dictation.transcript
        colours = []
        for _ in range(2):
            colours.append({span.style and span.style.color for span in view.render_line(5) if "doubtful" in span.text})
            await pilot.press("v")
        assert colours[0] != colours[1]


async def test_t_turns_dark_to_light_and_back(app: DictationApp) -> None:
    async with running(app) as pilot:
        assert app.current_theme.dark
        await pilot.press("t")
        assert not app.current_theme.dark
        await pilot.press("t")
        assert app.current_theme.dark


async def test_question_mark_shows_every_key(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        assert isinstance(app.screen, DictationScreen)


async def test_the_command_palette_has_every_command(app: DictationApp) -> None:
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"undo last")
        await until(lambda: app.screen.query(OptionList) and app.screen.query_one(OptionList).option_count)
        await pilot.press("enter", "enter")
        await until(lambda: len(shown(app)) == 3)


@pytest.mark.parametrize(("key", "ends"), [("d", True), ("escape", False)])
async def test_q_asks_about_words_that_were_not_saved(app: DictationApp, key: str, ends: bool) -> None:
    async with running(app) as pilot:
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, Leave))
        await pilot.press(key)
        await pilot.pause()
        assert app._exit is ends


async def test_q_ends_at_once_where_nothing_was_said(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app, filled=False) as pilot:
        await pilot.press("q")
        await until(lambda: app._exit)
    assert sessions.now.calls == ["stop"]
    assert app.return_code == 0


async def test_a_first_session_that_does_not_open_ends_the_program_with_its_error(sessions: FakeSessions) -> None:
    app = make_app(sessions)
    app._wanted = (None, "Broken Microphone")
    async with app.run_test():
        await until(lambda: app._exit)
    assert isinstance(app.return_value, AudioDeviceError)
    assert app.return_code == AudioDeviceError.exit_code


async def test_a_failure_is_said_and_the_words_stay(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app) as pilot:
        sessions.now.say(Failed("the sound server is gone: restart it"))
        sessions.now.end()
        await until(lambda: app.status.state is State.FINISHED)
        await pilot.press("space")
        assert next(note.message for note in app._notifications) == "the sound server is gone: restart it"
        assert len(shown(app)) == 4


async def test_a_journal_that_breaks_is_given_up_and_the_session_goes_on(
    app: DictationApp, sessions: FakeSessions, journal: FakeJournal
) -> None:
    journal.broken = OutputError("the disk is full: save the transcript")
    async with running(app):
        assert app.dictation.journal is None
        assert [note.message for note in app._notifications] == ["the disk is full: save the transcript"]
        assert len(shown(app)) == 4


async def test_restored_segments_come_first(sessions: FakeSessions) -> None:
    app = make_app(sessions, restored=[Final(7, 1, words("from before"))])
    async with running(app, filled=False):
        sessions.now.say(Final(0, 1, words("and now")))
        await until(lambda: len(shown(app)) == 2)
    assert shown(app) == ["from before", "and now"]


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 8), (10, 3), (1, 1)])
async def test_it_draws_in_any_size(app: DictationApp, size: tuple[int, int]) -> None:
    async with running(app, size=size) as pilot:
        await pilot.press("e", "escape", "up", "slash", "escape")
        assert app.dictation.transcript.size.height > 0


async def test_the_end_is_in_sight_as_soon_as_there_is_more_than_fits(app: DictationApp) -> None:
    async with running(app, size=(36, 10)) as pilot:
        await pilot.pause()
        assert app.dictation.transcript.scroll_y == app.dictation.transcript.max_scroll_y > 0


async def test_scrolling_up_stays_put_and_the_end_follows_again(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app, filled=False) as pilot:
        view = app.dictation.transcript
        sessions.now.say(*(Final(number, 1, words("some words here")) for number in range(60)))
        await until(lambda: len(shown(app)) == 60)
        await pilot.pause()
        assert view.scroll_y == view.max_scroll_y > 0
        view.scroll_to(y=5, animate=False)
        await pilot.pause()
        sessions.now.say(Final(60, 1, words("more")))
        await until(lambda: len(shown(app)) == 61)
        assert (view.scroll_y, view.following) == (5, False)
        await pilot.press("end")
        await until(lambda: view.following)
        sessions.now.say(Final(61, 1, words("more")))
        await until(lambda: len(shown(app)) == 62)
        await pilot.pause()
        assert view.scroll_y == view.max_scroll_y
