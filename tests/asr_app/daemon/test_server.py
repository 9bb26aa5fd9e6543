"""The daemon as a process: it dictates, keeps others out, ends in good order, and leaves nothing that blocks."""

import json
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving import no_source

from asr_app.cli import ctl
from asr_app.cli.daemon import app
from asr_app.config import Settings
from asr_app.daemon.client import GONE, ControlClient
from asr_app.daemon.network import Servers
from asr_app.daemon.server import run
from asr_app.daemon.service import Service
from asr_app.daemon.sinks import NoSink
from asr_app.errors import AudioFormatError, DaemonError
from asr_app.recognizer import Recognizer


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def following(daemon: Any) -> tuple[list[dict[str, Any]], list[str], threading.Thread]:
    """What a follower is told, and in what words it ends."""
    messages: list[dict[str, Any]] = []
    errors: list[str] = []

    def follow() -> None:
        try:
            with ControlClient(daemon.socket) as client:
                for message in client.follow():
                    messages.append(message)
        except DaemonError as error:
            errors.append(str(error))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    until(lambda: bool(messages))
    return messages, errors, thread


def finals(messages: list[dict[str, Any]]) -> list[str]:
    return [" ".join(word["text"] for word in one["words"]) for one in messages if one["type"] == "final"]


def test_a_source_that_is_not_there() -> None:
    with pytest.raises(AudioFormatError, match="is no file: give mic"):
        app(["--source", "nothing.wav"], standalone_mode=False)


@pytest.mark.slow
def test_a_day_in_the_life(run_daemon: Callable[[], Any], folder: Path) -> None:
    """Killed in the middle, started again, told to end in the middle of speech."""
    first = run_daemon().ready()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(first.socket.stat().st_mode) == 0o600

    second = run_daemon()
    _, complaint = second.process.communicate(timeout=60)
    assert second.process.returncode == DaemonError.exit_code
    assert f"process {first.process.pid} holds {first.socket}" in complaint
    assert "asr ctl shutdown" in complaint

    messages, errors, thread = following(first)
    with ControlClient(first.socket) as client:
        assert client.request("start")["changed"]
        until(lambda: any(one["type"] == "partial" and one["segment_id"] == 1 for one in messages))  # "tan" is written
        first.process.kill()
        with pytest.raises(DaemonError, match="the daemon has gone"):
            client.request("status")
    thread.join(10)
    assert errors == [GONE]
    assert first.process.communicate()[0] == "tan\n"
    with pytest.raises(DaemonError, match="no daemon answers"):
        ControlClient(first.socket)

    third = run_daemon().ready()
    messages, errors, thread = following(third)
    with ControlClient(third.socket) as client:
        client.request("start")
        until(lambda: any(one["type"] == "partial" and one["segment_id"] == 1 for one in messages))
        third.process.send_signal(signal.SIGTERM)
    output, complaint = third.process.communicate(timeout=60)
    assert (output, third.process.returncode) == ("tan\nsat\n", 0)
    assert complaint == "asr: ready: `asr ctl toggle` begins and ends a dictation\n"
    thread.join(10)
    assert errors == []
    assert finals(messages) == ["tan", "sat"]
    assert messages[-1] == {"type": "state", "state": "stopped"}
    assert not third.socket.exists()


@pytest.mark.slow
def test_a_service_tells_systemd(run_daemon: Callable[..., Any], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)

        def told(but: str = "WATCHDOG=1") -> str:
            while (line := manager.recv(200).decode().split("\n")[0]) == but:
                pass
            return line

        words = tmp_path / "words.txt"
        daemon = run_daemon(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="300000", ASR_VOCABULARY=str(words))
        assert told() == "READY=1"
        with ControlClient(daemon.socket) as client:
            assert client.request("status")["state"] == "idle"
        assert told(but="") == "WATCHDOG=1"
        daemon.process.send_signal(signal.SIGHUP)
        assert [told(), told()] == ["RELOADING=1", "READY=1"]
        words.write_text("Tan\n")
        assert [told(), told()] == ["RELOADING=1", "READY=1"]
        daemon.process.send_signal(signal.SIGTERM)
        assert told() == "STOPPING=1"
        assert daemon.process.wait(60) == 0


def test_words_are_looked_for_where_settings_that_were_read_again_say(
    tmp_path: Path, load: Callable[..., Recognizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr_app.words.vocabulary_watch._LOOK_S", 0.01)
    vocabulary = tmp_path / "before.txt"
    read: list[Path] = []

    def load_one(settings: Settings) -> Recognizer:
        read.append(settings.vocabulary)
        return load(chunk_ms=320)

    def live() -> None:
        nonlocal vocabulary
        vocabulary = tmp_path / "after.txt"
        os.kill(os.getpid(), signal.SIGHUP)
        until(lambda: vocabulary in read)
        time.sleep(0.2)
        count = len(read)
        vocabulary.write_text("Nguyen\n")
        until(lambda: len(read) > count)

    def live_and_end() -> None:
        try:
            live()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def make_service() -> Service:
        return Service(lambda: Settings(device="cpu", vocabulary=vocabulary), load_one, no_source, NoSink())

    life = threading.Thread(target=live_and_end)
    run(tmp_path / "control.sock", make_service, Servers(), life.start)
    life.join()
    assert set(read[1:]) == {tmp_path / "after.txt"}


@pytest.mark.slow
def test_settings_are_read_again(run_daemon: Callable[[], Any], capsys: pytest.CaptureFixture[str]) -> None:
    daemon = run_daemon().ready()
    with ControlClient(daemon.socket) as client:
        right = daemon.config.read_text()
        daemon.config.write_text("modle = 1\n")
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert client.request("status")["device"] == "cpu"
        daemon.config.write_text(right + "beam = 7\n")
        daemon.process.send_signal(signal.SIGHUP)
        with pytest.raises(DaemonError, match="no model 'klingon': choose one of"):
            client.request("set", model="klingon")
        assert client.request("set", device="auto")["device"] == "auto"
        assert client.request("toggle")["state"] == "listening"
        assert client.request("cancel")["changed"]
        ctl.run(["status"])
        assert json.loads(capsys.readouterr().out)["pid"] == daemon.process.pid
        client.request("shutdown")
    output, complaint = daemon.process.communicate(timeout=60)
    assert (output, daemon.process.returncode) == ("", 0)
    assert "unknown setting 'modle'" in complaint
