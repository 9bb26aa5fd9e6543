"""The control socket: a command a line, as JSON, each answered by one line; `subscribe` adds the events.

{"command": "set", "model": "english"} -> {"ok": true, ...} or {"ok": false, "error": "what to do"}
"""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

from asr_app.daemon.hanging_up import hang_up
from asr_app.daemon.limits import Limits
from asr_app.daemon.outbox import Outbox
from asr_app.daemon.service import Service
from asr_app.errors import AsrError, ProtocolError
from asr_app.events import to_json

logger = logging.getLogger(__name__)

_COMMANDS = ("start", "stop", "toggle", "cancel", "status", "set", "shutdown")
"""Methods of Service; subscribe is the connection's own."""

_LAST_LINES_S = 1.0
"""How long subscribers have for their last lines when the daemon ends."""


class ControlServer:
    """Answers the clients of one service."""

    def __init__(self, service: Service, limits: Limits) -> None:
        self._service, self._limits = service, limits
        self._connections: dict[asyncio.Task[Any], _Connection] = {}
        self._server: asyncio.Server | None = None

    async def listen(self, path: Path) -> None:
        """Begin to answer at a socket that only its owner may use."""
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._connected, path, limit=self._limits.line_bytes)
        finally:
            os.umask(mask)

    async def close(self) -> None:
        """Answer nobody any more; subscribers get what waits for them, where they take it in time."""
        if self._server:
            self._server.close()
        subscribed = [task for task, connection in self._connections.items() if connection.is_subscribed]
        if subscribed:
            await asyncio.wait(subscribed, timeout=_LAST_LINES_S)
        tasks = tuple(self._connections)
        for task in tasks:
            self._connections[task].abort()
            task.cancel()  # it may be at a command that takes long
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = self._connections[task] = _Connection(reader, writer, self._limits)
        try:
            await self._serve(connection)
        except (ConnectionError, TimeoutError):
            logger.info("a client went away, or took nothing for too long")
        except asyncio.CancelledError:  # which asyncio would tell with a traceback
            logger.info("a client was connected when the daemon ended")
        finally:
            await hang_up(writer)
            del self._connections[task]

    async def _serve(self, connection: "_Connection") -> None:
        if len(self._connections) > self._limits.clients:
            await connection.refuse(
                f"{self._limits.clients} clients are connected, and no more may be: try again later"
            )
            return
        try:
            while (request := await connection.request()) is not None:
                if request.get("command") == "subscribe":
                    await self._feed(connection)
                    return
                await connection.send(json.dumps(await self._answer(request)))
                if self._service.stopping.is_set():
                    return
        except ProtocolError as error:
            await connection.refuse(str(error))

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        command = request.pop("command", None)
        if command not in _COMMANDS:
            known = ", ".join([*_COMMANDS, "subscribe"])
            return {"ok": False, "error": f"{str(command)[:40]!r} is no command: send one of {known}"}
        if request and command != "set":
            return {"ok": False, "error": f"{command} takes nothing else: leave {min(request)[:40]!r} out"}
        try:
            return {"ok": True, **await getattr(self._service, command)(**request)}
        except AsrError as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:
            logger.exception("the command %s failed", command)
            return {"ok": False, "error": f"internal error: {type(error).__name__}: see the daemon's log"}

    async def _feed(self, connection: "_Connection") -> None:
        """Events until the client hangs up or the daemon ends."""
        outbox = self._service.subscribe()
        connection.is_subscribed = True
        gone = asyncio.create_task(connection.hung_up())
        told = asyncio.create_task(self._tell(connection, outbox))
        try:
            await asyncio.wait([gone, told], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._service.unsubscribe(outbox)
            for task in (gone, told):
                task.cancel()
            _, failure = await asyncio.gather(gone, told, return_exceptions=True)
        if isinstance(failure, Exception):
            raise failure

    async def _tell(self, connection: "_Connection", outbox: Outbox) -> None:
        await connection.send(json.dumps({"ok": True, "state": self._service.state}))
        try:
            async for event in outbox:
                await connection.send(to_json(event))
        except AsrError as error:
            await connection.refuse(str(error))


class _Connection:
    """Lines of one client, neither longer nor slower than the limits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader, self._writer, self._limits = reader, writer, limits
        self.is_subscribed = False

    async def request(self) -> dict[str, Any] | None:
        """The next line's object; None at the end, in the middle of a line, too. ProtocolError where it is none."""
        try:
            async with asyncio.timeout(self._limits.idle_s):
                line = await self._reader.readline()
        except TimeoutError as error:
            raise ProtocolError(f"no command came for {self._limits.idle_s:g} s: connect again") from error
        except ValueError as error:
            raise ProtocolError(f"the line is longer than {self._limits.line_bytes} bytes: send less") from error
        if not line.endswith(b"\n"):
            return None
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("this is no JSON: send one object a line") from error
        if not isinstance(request, dict):
            raise ProtocolError("this is no JSON object: send one a line")
        return request

    async def send(self, line: str) -> None:
        """Write a line; TimeoutError where the client does not take it."""
        self._writer.write(line.encode() + b"\n")
        async with asyncio.timeout(self._limits.idle_s):
            await self._writer.drain()

    async def refuse(self, error: str) -> None:
        """The last line of a connection that broke the protocol or a limit."""
        await self.send(json.dumps({"ok": False, "error": error}))

    def abort(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()

    async def hung_up(self) -> None:
        """Wait for the client to hang up; what a subscriber sends is not read as commands."""
        while await self._reader.read(self._limits.line_bytes):
            pass
