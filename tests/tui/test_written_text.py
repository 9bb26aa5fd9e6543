"""Written text on the screen: both forms, and what is said to be done."""

from fake_session import FakeJournal, FakeSessions, words
from test_keys import running, shown, until

from asr_app.events import Final, Written
from asr_app.text.stages import Token
from tui.app import DictationApp


def dictated(segment_id: int, raw: str, text: str = "", action: str = "", note: str = "") -> list[Final]:
    """A final and its written form, which has the breaks of a text."""
    final = Final(segment_id, 1, words(raw))
    token = (Token(text, 0, len(final.words)),) if text else ()
    return [final, Written(segment_id, 2, words(text), note, final.words, token, action)]


async def test_w_shows_the_raw_words_and_the_written_text_again(
    app: DictationApp, sessions: FakeSessions, journal: FakeJournal
) -> None:
    async with running(app, filled=False) as pilot:
        sessions.now.say(*dictated(0, "twenty eggs new line and milk", "20 eggs,\nand milk"))
        await until(lambda: shown(app) == ["20 eggs,\nand milk"])
        await pilot.pause()
        view = app.dictation.transcript
        assert [len(lines) for lines in view._lines] == [2]
        lines = [strip.text.strip() for strip in view.render_lines(view.size.region)]
        assert [line for line in lines if line][1] == "and milk"
        await pilot.press("w")
        assert shown(app) == ["twenty eggs new line and milk"]
        assert [len(lines) for lines in view._lines] == [1]
        app.update_status()
        await pilot.press("w")
        assert shown(app) == ["20 eggs,\nand milk"]
        assert journal.kept[0] == "20 eggs,\nand milk"


async def test_spoken_commands_are_obeyed(app: DictationApp, sessions: FakeSessions, journal: FakeJournal) -> None:
    async with running(app, filled=False) as pilot:
        sessions.now.say(*dictated(0, "one", "One."), *dictated(1, "two", "Two."))
        sessions.now.say(*dictated(2, "scratch that", action="scratch"))
        await until(lambda: shown(app) == ["One."])
        sessions.now.say(*dictated(3, "undo that", action="undo"))
        await until(lambda: shown(app) == ["One.", "Two."])
        assert journal.kept == {0: "One.", 1: "Two."}
        sessions.now.say(*dictated(4, "stop dictation", action="stop"))
        await until(lambda: "pause" in sessions.now.calls)
        await pilot.pause()
        assert shown(app) == ["One.", "Two."]
        await pilot.press("U")
        assert shown(app) == ["One.", "Two."]


async def test_a_note_is_shown_once_and_stands_while_it_holds(app: DictationApp, sessions: FakeSessions) -> None:
    async with running(app, filled=False) as pilot:
        note = "the text models took longer than 3.0 s: the words are as recognised"
        sessions.now.say(*dictated(0, "one", "one", note=note), *dictated(1, "two", "two", note=note))
        await until(lambda: shown(app) == ["one", "two"])
        app.update_status()
        await pilot.pause()
        assert "text models" in str(app.screen.query_one("#source").render())
        assert len(app._notifications) == 1
        sessions.now.say(*dictated(2, "three", "Three."))
        await until(lambda: len(shown(app)) == 3)
        app.update_status()
        assert "USB" in str(app.screen.query_one("#source").render())
