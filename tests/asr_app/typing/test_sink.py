"""The chain of tools, with fakes in the place of every program."""

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from asr_app.errors import ConfigError
from asr_app.typing.clipboard import Paste
from asr_app.typing.keyboards import KEYBOARDS, PerhapsTyped
from asr_app.typing.session import CommandError
from asr_app.typing.sink import TypingError, TypingSink, tools_of

WAYLAND = {"WAYLAND_DISPLAY": "wayland-1", "DISPLAY": ":0"}
REFUSES = "sys.exit('Compositor does not support the virtual keyboard protocol')"
BREAKS_OFF = "sys.exit('the compositor has gone')"

Make = Callable[..., Any]


def names(session: Any) -> list[str]:
    return [tool.name for tool in tools_of(session)]


def test_the_session_says_which_tools_suit_it(fake_session: Make) -> None:
    assert names(fake_session(**WAYLAND)) == ["wtype", "ydotool", "dotool", "clipboard"]
    assert names(fake_session(DISPLAY=":0")) == ["xdotool", "ydotool", "dotool", "clipboard"]
    assert names(fake_session(**WAYLAND, XDG_SESSION_TYPE="x11"))[0] == "xdotool"
    assert names(fake_session(DISPLAY=":0", XDG_SESSION_TYPE="wayland"))[0] == "xdotool"
    assert names(fake_session(XDG_SESSION_TYPE="tty")) == ["ydotool", "dotool"]


@pytest.mark.parametrize(
    ("tool", "call"),
    [
        ("wtype", ("wtype", ["-"], "-x; $(a)\nü".encode())),
        ("xdotool", ("xdotool", ["type", "--clearmodifiers", "--file", "-"], b"-x; $(a)\n b")),
        ("ydotool", ("ydotool", ["type", "--file", "-"], b"-x; $(a)\n b")),
        ("dotool", ("dotool", [], b"type -x; $(a)\nkey enter\nkey space\ntype b\n")),
    ],
)
def test_every_tool_gets_the_text_on_standard_input(
    fake_session: Make, tool: str, call: tuple[str, list[str], bytes]
) -> None:
    session = fake_session(**WAYLAND)
    session.install(*KEYBOARDS)
    TypingSink(tools_of(session, [tool])).write("-x; $(a)\nü" if tool == "wtype" else "-x; $(a)\n b")
    assert session.calls == [call]


def test_spaces_between_texts_and_nothing_for_nothing(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype")
    sink = TypingSink(tools_of(session))
    for text in ["we need", "milk", "", "\x00", ".\n", "and"]:
        sink.write(text)
    assert [given for _, _, given in session.calls] == [b"we need", b" milk", b".\n", b"and"]


def test_the_next_tool_types_where_nothing_went_out(fake_session: Make, caplog: pytest.LogCaptureFixture) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype", body=REFUSES)
    session.install("ydotool")
    sink = TypingSink(tools_of(session))
    sink.write("secret words")
    sink.write("more")
    assert [program for program, _, _ in session.calls] == ["wtype", "ydotool", "ydotool"]
    assert session.calls[-1][2] == b" more"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "wtype did not type" in caplog.text
    assert "secret" not in caplog.text


def test_a_program_that_cannot_be_run_is_passed_over(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype", "dotool")
    (session.folder / "wtype").write_text("#!/no/such/interpreter\n")
    TypingSink(tools_of(session)).write("words")
    assert [program for program, _, _ in session.calls] == ["dotool"]


def test_nothing_is_typed_again_after_a_failure_half_way(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype", body=BREAKS_OFF)
    session.install("ydotool", "dotool")
    sink = TypingSink(tools_of(session))
    with pytest.raises(TypingError, match="is not typed again") as failure:
        sink.write("secret words")
    assert "secret" not in str(failure.value)
    assert [program for program, _, _ in session.calls] == ["wtype"]
    session.install("wtype")
    sink.write("more")
    assert session.calls[-1] == ("wtype", ["-"], b" more")


def test_letters_without_keys_go_by_the_clipboard_that_time_only(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("ydotool", "wl-copy")
    session.install("wl-paste", body="sys.exit('Nothing is copied')")
    sink = TypingSink(tools_of(session))
    for text in ["plain", "müde", "again"]:
        sink.write(text)
    keys = [(program, arguments[:1], given) for program, arguments, given in session.calls if program == "ydotool"]
    assert keys == [("ydotool", ["type"], b"plain"), ("ydotool", ["key"], b""), ("ydotool", ["type"], b" again")]
    copied = [(arguments[-1], given) for program, arguments, given in session.calls if program == "wl-copy"]
    text = ("text/plain;charset=utf-8", " müde".encode())
    assert copied == [text, text, ("--clear", b""), ("--clear", b"")]


def test_the_clipboard_keeps_what_it_holds(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype", "wl-copy")
    session.install(
        "wl-paste", body="print('text/html\\ntext/plain' if '--list-types' in sys.argv else 'mine', end='')"
    )
    Paste(session, [KEYBOARDS["wtype"](session)], fetched_s=0.0).type("words")
    copied = [(arguments, given) for program, arguments, given in session.calls if program == "wl-copy"]
    assert copied[2:] == [(["--type", "text/plain"], b"mine"), (["--primary", "--type", "text/plain"], b"mine")]


def test_a_clipboard_that_cannot_be_kept_is_left_alone(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("ydotool", "wl-copy")
    session.install("wl-paste", body="print('image/png') if '--list-types' in sys.argv else sys.exit('no')")
    with pytest.raises(TypingError, match="what the clipboard holds could not be kept"):
        TypingSink(tools_of(session)).write("müde")
    assert {program for program, _, _ in session.calls} == {"wl-paste"}


def test_the_clipboard_is_put_back_where_no_key_could_be_pressed(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype", body=REFUSES)
    session.install("wl-copy", "wl-paste")
    with pytest.raises(TypingError):
        TypingSink(tools_of(session, ["clipboard"])).write("words")
    assert [arguments[-1] for program, arguments, _ in session.calls if program == "wl-copy"][-2:] == ["--clear"] * 2


def test_dotoold_is_used_where_it_runs(fake_session: Make, tmp_path: Any) -> None:
    session = fake_session()
    session.install("dotool", "dotoolc")
    os.mkfifo(tmp_path / "d")
    TypingSink(tools_of(session, ["dotool"])).write("words")
    assert [program for program, _, _ in session.calls] == ["dotoolc"]


def test_a_tool_that_hangs_is_ended(fake_session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr_app.typing.keyboards._TIMEOUT_S", 0.5)
    session = fake_session(**WAYLAND)
    session.install("wtype", body="time.sleep(600)")
    session.install("ydotool")
    with pytest.raises(TypingError, match="wtype took longer than 1 s"):
        TypingSink(tools_of(session)).write("words")


def test_a_child_left_behind_is_not_waited_for(fake_session: Make) -> None:
    session = fake_session()
    session.install("copy", body="if os.fork() == 0: time.sleep(5)")
    assert session.run(["copy"], b"text", timeout_s=3.0) == b""


def test_a_failure_does_not_repeat_what_was_said(fake_session: Make) -> None:
    session = fake_session(DISPLAY=":0")
    session.install("xdotool", body="sys.exit('cannot type: secret')")
    with pytest.raises(PerhapsTyped) as failure:
        tools_of(session)[0].type("secret")
    assert "secret" not in str(failure.value)
    with pytest.raises(CommandError, match="absent is not installed"):
        session.run(["absent"])


def test_where_nothing_can_type(fake_session: Make) -> None:
    session = fake_session(DISPLAY=":0")
    with pytest.raises(ConfigError, match=r"xdotool is not installed; ydotool is not installed; .*asr doctor"):
        TypingSink(tools_of(session))
    with pytest.raises(ConfigError, match="no typing tool 'typewriter': choose among wtype, xdotool"):
        tools_of(session, ["typewriter"])
    session.install("ydotool")
    (session.folder.parent / "y").unlink()
    assert "ydotoold does not run" in tools_of(session, ["ydotool"])[0].obstacle


def test_a_tool_that_goes_away_later_is_told(fake_session: Make) -> None:
    session = fake_session(**WAYLAND)
    session.install("wtype")
    sink = TypingSink(tools_of(session, ["wtype"]))
    (session.folder / "wtype").unlink()
    with pytest.raises(TypingError, match="wtype is not installed"):
        sink.write("words")
