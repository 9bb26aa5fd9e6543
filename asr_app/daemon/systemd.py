"""What a service tells systemd: the datagrams of sd_notify(3), which says how they look.

Nothing is sent where NOTIFY_SOCKET is not set: the daemon was not started by systemd.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

_PINGS = 3
"""Pings in the time after which systemd ends a service that sent none."""


class Notifier:
    """Tells the service manager of a set of environment variables."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = _watchdog_s(environment)

    def ready(self) -> None:
        """The service has started, or has read its settings again."""
        self._send("READY=1")

    def reloading(self) -> None:
        """The service reads its settings again; `ready` is to follow."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The service ends."""
        self._send("STOPPING=1")

    async def watch(self, answers: Callable[[], bool]) -> None:
        """Tell the watchdog again and again that the service is alive, as long as it answers; for ever."""
        while self.watchdog_s:
            if answers():
                self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / _PINGS)

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            logger.warning("systemd was not told %s: %s", lines[0], error.strerror)


def _watchdog_s(environment: Mapping[str, str]) -> float:
    """Seconds that the watchdog waits for a ping of this process; 0 without a watchdog."""
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    usec = environment.get("WATCHDOG_USEC", "")
    return int(usec) / 1e6 if meant and usec.isdecimal() else 0.0
