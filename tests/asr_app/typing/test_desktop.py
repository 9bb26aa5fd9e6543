"""Typing into a real X client: what arrives there is what was said."""

import shutil
from typing import Any

import pytest

from asr_app.typing.clipboard import Content, Xclip
from asr_app.typing.sink import TypingSink, tools_of


def needs_xclip() -> None:
    if shutil.which("xclip") is None:
        pytest.skip("xclip is not installed")


def test_every_segment_is_typed_once(desktop: Any) -> None:
    """Leading dashes, what a shell would run, quotes, a new line; letters that the keyboard lacks are pasted."""
    needs_xclip()
    sink = TypingSink(tools_of(desktop.session))
    texts = [
        "--help -n",
        "$(touch /tmp/no) `id` 'it\"s' \\n %s ~^<>|@#{[]}",
        "Zürich, 5 € für Ελλάδα",
        "and more.\n",
        "日本 naïve 😀\x07",
        "THE END",
    ]
    for text in texts:
        sink.write(text)
    expected = " ".join(texts[:4]) + "日本 naïve 😀 THE END"
    assert desktop.text(expected) == expected


def test_paste_types_and_puts_back(desktop: Any) -> None:
    needs_xclip()
    clipboard = Xclip(desktop.session)
    clipboard.hold("clipboard", Content("UTF8_STRING", "the user's own: ß".encode()))
    clipboard.hold("primary", Content("UTF8_STRING", b"selected"))
    sink = TypingSink(tools_of(desktop.session, ["clipboard"]))
    sink.write("-- Grüße,")
    sink.write("日本 😀")
    expected = "-- Grüße, 日本 😀"
    assert desktop.text(expected) == expected
    assert clipboard.content("clipboard").data.decode() == "the user's own: ß"
    assert clipboard.content("primary").data == b"selected"


def test_a_picture_in_the_clipboard_comes_back(desktop: Any) -> None:
    needs_xclip()
    clipboard = Xclip(desktop.session)
    picture = Content("image/png", b"\x89PNG\r\n\x1a\n\x00\xff")
    clipboard.hold("clipboard", picture)
    TypingSink(tools_of(desktop.session, ["clipboard"])).write("words")
    assert desktop.text("words") == "words"
    assert clipboard.content("clipboard") == picture
    assert clipboard.content("primary") == Content("UTF8_STRING", b"")
