"""What there is to say before the screen opens is on it when it has."""

from tui.app import DictationApp


async def test_a_notice_of_before_the_screen_is_shown(app: DictationApp) -> None:
    app.notify("A session was not ended.")
    async with app.run_test(notifications=True) as pilot:
        await pilot.pause()
        assert len(app.screen.query("Toast")) == 1
