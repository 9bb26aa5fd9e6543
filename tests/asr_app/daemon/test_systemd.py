"""sd_notify, with a real datagram socket in the place of systemd's."""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from asr_app.daemon.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket and its name in NOTIFY_SOCKET."""
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("only Linux has abstract sockets")
    name = str(tmp_path / "n") if request.param == "path" else f"@asr-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0") if request.param == "abstract" else name)
        receiver.settimeout(5)
        yield receiver, name


def test_every_message(manager: tuple[socket.socket, str]) -> None:
    receiver, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready()
    notifier.reloading()
    notifier.stopping()
    assert receiver.recv(100) == b"READY=1"
    reloading, _, usec = receiver.recv(100).decode().partition("\nMONOTONIC_USEC=")
    assert reloading == "RELOADING=1"
    assert int(usec) > 0
    assert receiver.recv(100) == b"STOPPING=1"


def test_the_watchdog_is_told_only_while_the_service_answers(manager: tuple[socket.socket, str]) -> None:
    receiver, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000", "WATCHDOG_PID": str(os.getpid())})
    answers = iter([True, True])
    asked = []

    def answer() -> bool:
        asked.append(True)
        return next(answers, False)

    async def watch() -> None:
        task = asyncio.create_task(notifier.watch(answer))
        while len(asked) < 5:
            await asyncio.sleep(0.005)
        task.cancel()

    asyncio.run(watch())
    receiver.setblocking(False)
    assert [receiver.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2
    with pytest.raises(BlockingIOError):
        receiver.recv(100)


def test_without_systemd_nothing_is_told() -> None:
    notifier = Notifier({"WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"})
    notifier.ready()
    asyncio.run(asyncio.wait_for(notifier.watch(lambda: pytest.fail("asked")), 5))


def test_a_manager_that_is_gone_is_no_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert "systemd was not told READY=1" in caplog.text
