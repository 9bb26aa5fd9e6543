"""/v1/realtime: live sound over a WebSocket, in the shape of OpenAI's Realtime API for transcription."""

import asyncio
import base64
import binascii
import json
import logging
import uuid
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from asr_app.daemon.hints import Hints
from asr_app.daemon.limits import Limits
from asr_app.daemon.openai_realtime_session import SessionOptions
from asr_app.daemon.openai_realtime_turn import Turn
from asr_app.daemon.service import Service
from asr_app.errors import AsrError, ProtocolError

logger = logging.getLogger(__name__)

_POLICY = 1008  # a close code (RFC 6455, 7.4)


async def converse(socket: WebSocket, service: Service, limits: Limits) -> None:
    """Answer one client until it is done, gone or refused."""
    await socket.accept()
    await _Conversation(socket, service, limits).run()


class _Conversation:
    """One connection: a turn of sound after the other, each a stream of the engine."""

    def __init__(self, socket: WebSocket, service: Service, limits: Limits) -> None:
        self._socket, self._service, self._limits = socket, service, limits
        self._id, self._options = f"sess_{uuid.uuid4().hex}", SessionOptions()
        self._turn: Turn | None = None
        self._before: Turn | None = None  # committed, and not told to its end
        self._heard_s = 0.0  # of the turns so far
        self._last_item: str | None = None

    async def run(self) -> None:
        """To the end."""
        try:
            await self._send({"type": "session.created", "session": self._session})
            while True:
                await self._answer(await self._receive())
        except (WebSocketDisconnect, ConnectionError, RuntimeError):
            logger.info("a client went away")  # starlette raises RuntimeError for a message after the close
        except TimeoutError:
            await self._close(_POLICY, f"nothing was sent or taken for {self._limits.idle_s:g} s: connect again")
        except Exception:
            logger.exception("a conversation failed")
            raise
        finally:
            for turn in (self._turn, self._before):
                if turn:
                    await turn.cancel()

    async def _receive(self) -> dict[str, Any]:
        async with asyncio.timeout(self._limits.idle_s):
            message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        return dict(message)

    async def _answer(self, message: dict[str, Any]) -> None:
        event_id = None
        try:
            event = _object(message.get("text"))
            event_id = event.get("event_id") if isinstance(event.get("event_id"), str) else None
            await self._carry_out(event)
        except AsrError as error:
            await self._send(_error(error, event_id))

    async def _carry_out(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "session.update" | "transcription_session.update" as kind:
                await self._update(event.get("session"), f"{kind}d")
            case "input_audio_buffer.append":
                await self._append(event.get("audio"))
            case "input_audio_buffer.commit":
                await self._commit()
            case "input_audio_buffer.clear":
                await self._clear()
            case kind:
                raise ProtocolError(f"{str(kind)[:60]!r} is not known here: send session and input_audio_buffer events")

    async def _update(self, session: object, reply: str) -> None:
        options = self._options.updated(session, self._service.settings.model)
        if self._turn and options != self._options:
            raise ProtocolError("sound is being heard: commit or clear it before the session is changed")
        self._options = options
        await self._send({"type": reply, "session": self._session})

    async def _append(self, audio: object) -> None:
        if not isinstance(audio, str):
            raise ProtocolError("there is no audio: send base64 of samples")
        try:
            data = base64.b64decode(audio, validate=True)
        except (ValueError, binascii.Error) as error:
            raise ProtocolError("the audio is no base64: encode the samples so") from error
        if self._turn is None:
            await self._settle()
            streams = await self._service.streams(Hints(self._options.prompt))
            self._turn = Turn(streams, self._options, self._heard_s, self._tell, self._limits.backlog)
        if not await self._turn.accept(data):
            turn, self._turn = self._turn, None
            await turn.cancel()  # it has said why

    async def _commit(self) -> None:
        if self._turn is None or not self._turn.seconds:
            raise ProtocolError("nothing was appended: append sound before it is committed")
        await self._settle()
        self._before, self._turn = self._turn, None
        self._heard_s += self._before.seconds
        await self._before.finish()

    async def _clear(self) -> None:
        if self._turn:
            turn, self._turn = self._turn, None
            self._heard_s += turn.seconds
            await turn.cancel()
        await self._send({"type": "input_audio_buffer.cleared"})

    async def _settle(self) -> None:
        """Wait for the end of the turn before: a client has one stream at a time."""
        if self._before:
            await self._before.told()
            self._before = None

    async def _tell(self, event: dict[str, Any]) -> None:
        """An event of a turn; a commit knows the item before."""
        if event["type"] == "input_audio_buffer.committed":
            event, self._last_item = event | {"previous_item_id": self._last_item}, event["item_id"]
        await self._send(event)

    async def _send(self, event: dict[str, Any]) -> None:
        text = json.dumps({"event_id": f"event_{uuid.uuid4().hex}", **event}, ensure_ascii=False)
        async with asyncio.timeout(self._limits.idle_s):
            await self._socket.send_text(text)

    async def _close(self, code: int, reason: str) -> None:
        try:
            await self._send(_error(ProtocolError(reason), None))
            await self._socket.close(code, reason[:120])
        except (WebSocketDisconnect, ConnectionError, RuntimeError, TimeoutError):
            logger.info("a client went away")

    @property
    def _session(self) -> dict[str, Any]:
        return {"id": self._id, "object": "realtime.session", **self._options.described}


def _object(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        raise ProtocolError("this is binary: send events as JSON text")
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("this is no JSON: send an event") from error
    if not isinstance(event, dict):
        raise ProtocolError("this is no JSON object: send an event")
    return event


def _error(error: AsrError, event_id: str | None) -> dict[str, Any]:
    kind = "invalid_request_error" if isinstance(error, ProtocolError) else "server_error"
    told = {"type": kind, "code": None, "message": str(error), "param": None, "event_id": event_id}
    return {"type": "error", "error": told}
