"""Another model or microphone, or the end of the program, while a session is being opened."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fake_session import FakeSession, FakeSessions, make_app, words
from test_keys import running, shown, until
from textual.pilot import Pilot

from asr_app.events import Final
from tui.app import DictationApp
from tui.screens.dialogs import Picker
from tui.session import State


class SlowSessions(FakeSessions):
    """Sessions that are opened only when a test lets them be."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded = threading.Event()

    def open(self, model: str | None, device: str | None) -> FakeSession:
        assert self.loaded.wait(10)
        return super().open(model, device)


@pytest.fixture
def sessions() -> SlowSessions:
    return SlowSessions()


@asynccontextmanager
async def loading(app: DictationApp) -> AsyncIterator[Pilot[Any]]:
    """The app while its first session is being opened; no session outlives the test."""
    sessions: Any = app.sessions
    try:
        async with app.run_test() as pilot:
            yield pilot
    finally:
        sessions.loaded.set()
        for session in sessions.opened:
            session.end()


async def test_a_microphone_chosen_while_the_recogniser_loads_is_heard_alone(
    app: DictationApp, sessions: SlowSessions
) -> None:
    async with loading(app) as pilot:
        await pilot.press("m")
        await until(lambda: isinstance(app.screen, Picker))
        await pilot.press("down", "enter")
        assert len(sessions.asked) == 0
        sessions.loaded.set()
        await until(lambda: app.status.device == "Built-in Microphone" and app.status.state is State.LISTENING)
        assert [session.calls for session in sessions.opened] == [["stop"], []]
        sessions.now.say(Final(0, 1, words("hello")))
        await until(lambda: shown(app) == ["hello"])
    assert [session.calls for session in sessions.opened] == [["stop"], ["stop"]]


async def test_what_a_session_still_says_stays_apart_from_the_words_after_it(
    app: DictationApp, sessions: SlowSessions
) -> None:
    async with loading(app) as pilot:
        app._change(None, "Built-in Microphone")
        sessions.loaded.set()
        await until(lambda: sessions.opened)
        sessions.opened[0].say(Final(0, 1, words("too early")))
        await until(lambda: len(sessions.opened) == 2)
        sessions.now.say(Final(0, 1, words("hello")))
        await until(lambda: "hello" in shown(app))
        await pilot.pause()
        assert shown(app)[-1] == "hello"


async def test_a_model_chosen_meanwhile_is_opened_where_the_one_before_cannot_be(sessions: SlowSessions) -> None:
    app = make_app(sessions)
    app._wanted = (None, "Broken Microphone")
    async with loading(app):
        app._change("english-large", "USB Microphone")
        sessions.loaded.set()
        await until(lambda: app.status.model == "english-large" and app.status.state is State.LISTENING)
        assert sessions.asked == [(None, "Broken Microphone"), ("english-large", "USB Microphone")]


async def test_a_microphone_chosen_meanwhile_that_does_not_open_leaves_the_one_before(
    app: DictationApp, sessions: SlowSessions
) -> None:
    async with loading(app):
        app._change(None, "Broken Microphone")
        sessions.loaded.set()
        await until(lambda: len(sessions.opened) == 2 and app.status.state is State.LISTENING)
        assert sessions.asked == [(None, None), (None, "Broken Microphone"), (None, None)]
        assert [session.calls for session in sessions.opened] == [["stop"], []]


async def test_a_session_that_the_program_does_not_know_of_yet_ends_with_it(
    app: DictationApp, sessions: SlowSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted, unmounted = threading.Event(), threading.Event()
    post = app.post_message

    def post_late(message: object) -> bool:
        """What other threads say comes after the end."""
        if threading.current_thread() is not threading.main_thread():
            posted.set()
            unmounted.wait(10)
        return post(message)  # type: ignore[arg-type]

    monkeypatch.setattr(app, "post_message", post_late)
    sessions.loaded.set()
    async with loading(app):
        await until(posted.is_set)
        app.on_unmount()
        calls = list(sessions.now.calls)
        unmounted.set()
    assert calls == ["stop"]


async def test_silence_before_another_microphone_counts(app: DictationApp, sessions: SlowSessions) -> None:
    sessions.loaded.set()
    async with running(app, filled=False):
        app._change(None, "Built-in Microphone")
        await until(lambda: len(sessions.opened) == 2)
        sessions.now.say(Final(0, 1, words("hello")))
        await until(lambda: shown(app) == ["hello"])
        assert app.document.segments[0].start_s == sessions.opened[0].status().time_s
