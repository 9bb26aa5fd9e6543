"""What the screen looks like; `pytest --snapshot-update tests/tui/test_snapshots.py` takes new pictures."""

from collections.abc import Callable

import pytest
from fake_session import FakeSessions, StillApp, make_app, script, spectrum, words
from test_keys import until
from textual.pilot import Pilot

from asr_app.events import Final
from tui.app import DictationApp
from tui.session import State
from tui.widgets.editor import SegmentEditor

Compare = Callable[..., bool]


def still(filled: bool = True, theme: str = "asr-dark", keys: tuple[str, ...] = ()) -> tuple[DictationApp, Callable]:
    """An app, and what brings it to the moment of the picture."""
    sessions = FakeSessions()
    app = make_app(sessions, kind=StillApp)

    async def arrange(pilot: Pilot) -> None:
        await until(lambda: app._session is not None)
        app.theme = theme
        if filled:
            sessions.now.columns = spectrum()
            sessions.now.change(state=State.SPEECH, level_dbfs=-18.0, recording="dictation.wav")
            doubtful = Final(3, 1, words("ten to won", 70.0, 0.6))
            sessions.now.say(*script()[:3], doubtful)
            await until(lambda: len(app.document.segments) == 4)
        app.update_status()
        await pilot.press(*keys)
        await pilot.pause()

    return app, arrange


@pytest.fixture(autouse=True)
def _steady_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor never blinks: a slow machine would see it gone."""
    monkeypatch.setattr(SegmentEditor, "_toggle_cursor_blink_visible", lambda _: None)


@pytest.mark.parametrize(
    ("name", "filled", "theme", "keys", "size"),
    [
        ("empty", False, "asr-dark", (), (80, 24)),
        ("dark", True, "asr-dark", ("v",), (80, 24)),
        ("light-editing", True, "asr-light", ("up", "up", "up", "e"), (80, 24)),
        ("help", True, "asr-dark", ("question_mark",), (80, 24)),
        ("small", True, "asr-light", (), (36, 10)),
    ],
)
def test_picture(
    snap_compare: Compare, name: str, filled: bool, theme: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    app, arrange = still(filled, theme, keys)
    assert snap_compare(app, terminal_size=size, run_before=arrange)
