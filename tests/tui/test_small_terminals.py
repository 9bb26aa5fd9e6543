"""What a slow or a small terminal makes harder: keys in one burst, and help that does not fit."""

from test_keys import running, until
from textual import events
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import RadioButton

from tui.app import DictationApp
from tui.messages import Edited
from tui.screens.dialogs import Help
from tui.screens.save import Save
from tui.widgets.editor import SegmentEditor


class Host(App[None]):
    """A screen with nothing else on it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []

    def compose(self) -> ComposeResult:
        yield SegmentEditor(0, "so long")

    def on_edited(self, edited: Edited) -> None:
        self.taken.append(edited.text)


async def test_what_is_typed_in_one_burst_with_enter_is_kept() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.query_one(SegmentEditor).focus()
        await pilot.pause()
        for letter in " and thanks":
            app.post_message(events.Key("space" if letter == " " else letter, letter))
        app.post_message(events.Key("enter", "\r"))
        await pilot.pause()
        await pilot.pause()
        assert app.taken == ["so long and thanks"]


async def test_help_scrolls_where_it_does_not_fit(app: DictationApp) -> None:
    async with app.run_test(size=(60, 15)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        dialog = app.screen.query_one(VerticalScroll)
        assert dialog.max_scroll_y > 0
        await pilot.press("end")
        await pilot.pause()
        assert dialog.scroll_target_y == dialog.max_scroll_y


async def test_every_format_is_in_sight_in_forty_columns(app: DictationApp) -> None:
    async with running(app, size=(40, 10)) as pilot:
        await pilot.press("s")
        await until(lambda: isinstance(app.screen, Save))
        await pilot.pause()
        dialog = app.screen.query_one(".dialog").content_region
        assert all(button.region in dialog for button in app.screen.query(RadioButton))
