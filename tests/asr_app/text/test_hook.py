"""The user's program: its text comes out, whatever it does the dictation goes on."""

import sys
import time

import pytest

from asr_app.text.hook import MOST_BYTES, Hook, HookError


def python(code: str) -> str:
    return f"'{sys.executable}' -S -E -c \"{code}\""


def test_text_in_text_out() -> None:
    assert Hook("tr a-z A-Z").run("hello\nyou") == "HELLO\nYOU"
    assert Hook("cat").run("naïve 😀\n") == "naïve 😀"
    assert Hook("true").run("a") == ""


def test_no_shell_unless_asked() -> None:
    assert Hook("echo $HOME; ls | cat").run("x") == "$HOME; ls | cat"
    assert Hook("cat | tr a b", shell=True).run("banana") == "bbnbnb"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("no-such-program-at-all", "cannot be run"),
        ("", "cannot be run"),
        ("echo 'unfinished", "cannot be run"),
        ("false", "code 1"),
        (python("import sys; sys.stdout.buffer.write(bytes([255]))"), "UTF-8"),
        (python(f"print('x' * {MOST_BYTES + 9})"), "more than"),
    ],
)
def test_what_goes_wrong_is_told(command: str, message: str) -> None:
    with pytest.raises(HookError, match=message):
        Hook(command).run("text")


def test_one_that_dawdles_is_ended_with_all_that_it_started() -> None:
    began = time.monotonic()
    with pytest.raises(HookError, match=r"longer than 0\.2 s"):
        Hook("sleep 60 & sleep 60", shell=True, timeout_s=0.2).run("text")
    assert time.monotonic() - began < 5


def test_one_that_does_not_read_gets_a_long_text_all_the_same() -> None:
    assert Hook("echo done").run("word " * 200_000) == "done"
