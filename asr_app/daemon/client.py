"""A client of the control socket: one line of JSON there, one back.

Imports nothing slow and knows nothing of recognition: events are dictionaries as they came.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from asr_app.daemon.runtime import control_socket
from asr_app.errors import DaemonError

Message = dict[str, Any]

GONE = "the daemon has gone: start it again with `asr daemon`"


class ControlClient:
    """A connection to the daemon; a context manager."""

    def __init__(self, path: Path | None = None, timeout_s: float = 30.0) -> None:
        """path: of the socket, by default the user's own. DaemonError where nobody answers."""
        path = path or control_socket()
        self._timeout_s = timeout_s
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise DaemonError(f"no daemon answers at {path}: start it with `asr daemon`") from error
        self._lines = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def request(self, command: str, **fields: Any) -> Message:
        """What the daemon answers; DaemonError where it refuses, or goes away."""
        line = json.dumps({"command": command, **fields}) + "\n"
        try:
            self._socket.sendall(line.encode())
        except OSError as error:
            raise DaemonError(GONE) from error
        answer = self._read()
        if not answer.get("ok"):
            raise DaemonError(str(answer.get("error", "the daemon refused without a reason: see its log")))
        return answer

    def follow(self) -> Iterator[Message]:
        """The daemon's state, then its events, until it ends in good order; DaemonError where it goes away."""
        state = self.request("subscribe")["state"]
        self._socket.settimeout(None)
        yield {"type": "state", "state": state}
        while state != "stopped":
            event = self._read()
            if event.get("ok") is False:
                raise DaemonError(str(event.get("error")))
            yield event
            state = event.get("state", state)

    def _read(self) -> Message:
        try:
            line = self._lines.readline()
        except TimeoutError as error:
            raise DaemonError(f"the daemon said nothing for {self._timeout_s:.0f} s: see its log") from error
        except OSError as error:
            raise DaemonError(GONE) from error
        if not line.endswith(b"\n"):
            raise DaemonError(GONE)
        try:
            message = json.loads(line)
        except ValueError as error:
            raise DaemonError("what answers is no daemon of this program: look at ASR_RUNTIME_DIR") from error
        if not isinstance(message, dict):
            raise DaemonError("what answers is no daemon of this program: look at ASR_RUNTIME_DIR")
        return message
