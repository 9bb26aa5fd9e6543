"""The protocol of vosk-server: samples over a WebSocket, each message of them answered by one of JSON.

{"config": {"sample_rate": 16000}}, samples (s16le, mono), ..., {"eof": 1}
-> {"partial": "..."} or {"result": [{"word", "start", "end", "conf"}, ...], "text": "..."}
"""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from statistics import fmean
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from asr_app.daemon.client_stream import ClientStream, SampleForm, checked_rate
from asr_app.daemon.hints import Hints
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import STRANGE_PAGE, Binding
from asr_app.daemon.service import Service
from asr_app.errors import AsrError, DaemonError, EngineError, ProtocolError
from asr_app.events import Event, Failed, Final, Partial
from decoder.types import Word

logger = logging.getLogger(__name__)

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # what strangers send instead of a handshake is no error of the daemon

_RATE = 16_000
"""Where a client states none: its test client for subtitles does not."""

_HANDSHAKE_S, _GOODBYE_S = 10.0, 2.0
"""How long a client has to open, and to answer a close."""

_REASON_BYTES = 123
"""Of a close frame (RFC 6455, 5.5)."""


@contextlib.asynccontextmanager
async def serve_vosk(service: Service, binding: Binding, limits: Limits) -> AsyncIterator[Server]:
    """Answer clients; at the end those that are connected are told that the server goes away."""

    async def converse(connection: ServerConnection) -> None:
        await _Conversation(service, connection, limits).run()

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        if len(connection.server.connections) >= limits.clients:
            return connection.respond(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{limits.clients} clients are connected, and no more may be: try again later\n",
            )
        if not binding.is_meant({name.lower(): value for name, value in request.headers.raw_items()}):
            return connection.respond(HTTPStatus.FORBIDDEN, f"{STRANGE_PAGE}\n")
        if not binding.admits(request.headers.get("Authorization")):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "send the daemon's key as a bearer token\n")
        return None

    async with serve(
        converse,
        binding.host,
        binding.port,
        ssl=binding.tls,
        process_request=admit,
        open_timeout=min(_HANDSHAKE_S, limits.idle_s),
        close_timeout=_GOODBYE_S,
        ping_timeout=None,  # a pong waits behind the sound of a client that is made to wait; idle_s ends dead ones
        compression=None,
        max_size=limits.message_bytes,
        max_queue=1,  # what is not heard stays with the client
        logger=_wire,
    ) as server:
        yield server


@dataclass(frozen=True, slots=True)
class _Config:
    """What a client wants to be told; in use from its next stream on."""

    sample_rate: int = _RATE
    words: bool = True
    alternatives: bool = False
    phrases: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: object, most_phrases: int) -> "_Config":
        """ProtocolError where it cannot be had; what it says of other things is left out."""
        if not isinstance(message, dict):
            raise ProtocolError('a config that is no object: send {"config": {"sample_rate": 16000}}')
        alternatives = message.get("max_alternatives", 0)
        if not isinstance(alternatives, int):
            raise ProtocolError("max_alternatives that is no number: send 0 for one transcript")
        rate = checked_rate(message.get("sample_rate", _RATE))
        phrases = _phrases(message.get("phrase_list", []), most_phrases)
        return cls(rate, bool(message.get("words", True)), alternatives > 0, phrases)


def _phrases(listed: object, most: int) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(phrase, str) for phrase in listed):
        raise ProtocolError("a phrase_list that is no list of texts: send one, or leave it out")
    if len(listed) > most:
        raise ProtocolError(f"a phrase_list of more than {most} phrases: send fewer")
    return tuple(listed)


class _Conversation:
    """One connection, which has one stream at a time."""

    def __init__(self, service: Service, connection: ServerConnection, limits: Limits) -> None:
        self._service, self._connection, self._limits = service, connection, limits
        self._config = _Config()
        self._utterance: _Utterance | None = None
        self._began_s = 0.0  # of the stream, in the sound of the whole connection

    async def run(self) -> None:
        """Answer until the client is done, gone or refused."""
        try:
            while await self._answer(await self._receive()):
                pass
        except ConnectionClosed:
            logger.info("a client went away")
        except TimeoutError:
            await self._refuse(
                CloseCode.POLICY_VIOLATION, f"nothing was sent or taken for {self._limits.idle_s:g} s: connect again"
            )
        except ProtocolError as error:
            await self._refuse(CloseCode.INVALID_DATA, str(error))
        except (DaemonError, EngineError) as error:
            await self._refuse(CloseCode.TRY_AGAIN_LATER, str(error))
        except AsrError as error:
            await self._refuse(CloseCode.INTERNAL_ERROR, str(error))
        except Exception:
            logger.exception("a conversation failed")
            raise
        finally:
            if self._utterance:
                self._utterance.stream.cancel()

    async def _receive(self) -> str | bytes:
        async with asyncio.timeout(self._limits.idle_s):
            return await self._connection.recv()

    async def _answer(self, message: str | bytes) -> bool:
        """Whether the conversation goes on."""
        if isinstance(message, bytes):
            utterance = self._utterance = self._utterance or await self._begin()
            await utterance.stream.accept(message)
            await self._send(utterance.heard.news(self._config))
            return True
        request = _object(message)
        if "config" in request:
            self._config = _Config.of(request["config"], self._limits.hints)
            return True
        if "eof" not in request and "reset" not in request:
            raise ProtocolError('neither config, eof nor reset: send {"eof": 1} at the end')
        await self._send(await self._end())
        return "eof" not in request

    async def _begin(self) -> "_Utterance":
        streams = await self._service.streams(Hints(phrases=self._config.phrases))
        heard = _Heard(self._began_s)
        return _Utterance(heard, ClientStream(streams, heard, SampleForm(self._config.sample_rate)))

    async def _end(self) -> dict[str, Any]:
        """All that was not told, to the last word."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return _transcript([], self._config)
        try:
            await utterance.stream.finish()
            await utterance.heard.over.wait()
        finally:
            utterance.stream.cancel()
        self._began_s += utterance.stream.seconds
        return utterance.heard.rest(self._config)

    async def _send(self, reply: dict[str, Any]) -> None:
        async with asyncio.timeout(self._limits.idle_s):
            await self._connection.send(json.dumps(reply, ensure_ascii=False))

    async def _refuse(self, code: CloseCode, error: str) -> None:
        reason = error.encode()[:_REASON_BYTES].decode(errors="ignore")
        await self._connection.close(code, reason)


class _Heard:
    """What was heard and not told yet; a Listener of a stream."""

    def __init__(self, start_s: float) -> None:
        """start_s: what is added to the times of words."""
        self.over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._start_s = start_s
        self._finals: deque[Final] = deque()
        self._partial: Partial | None = None
        self._failure = ""

    def put(self, event: Event) -> None:
        """In a thread of the recogniser's."""
        if isinstance(event, Final):
            self._finals.append(event)
            if self._partial and self._partial.segment_id <= event.segment_id:  # else the next segment has begun
                self._partial = None
        elif isinstance(event, Partial):
            self._partial = event
        elif isinstance(event, Failed):
            self._failure = event.message

    def close(self) -> None:
        """In a thread of the recogniser's."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(self.over.set)

    def news(self, config: _Config) -> dict[str, Any]:
        """A final that was not told, else the words so far; AsrError where the stream failed."""
        if self._finals:
            return _transcript(self._words(self._finals.popleft()), config)
        self._check()
        return {"partial": self._partial.text if self._partial else ""}

    def rest(self, config: _Config) -> dict[str, Any]:
        """Every final that was not told, as one; AsrError where the stream failed."""
        self._check()
        return _transcript([word for final in self._finals for word in self._words(final)], config)

    def _words(self, final: Final) -> list[Word]:
        return [
            replace(word, start_s=word.start_s + self._start_s, end_s=word.end_s + self._start_s)
            for word in final.words
        ]

    def _check(self) -> None:
        if self._failure:
            raise AsrError(self._failure)


@dataclass(frozen=True, slots=True)
class _Utterance:
    """A stream, and what was heard in it."""

    heard: _Heard
    stream: ClientStream


def _transcript(words: list[Word], config: _Config) -> dict[str, Any]:
    """A result; as the only alternative, where the client asked for such."""
    result: dict[str, Any] = {"text": " ".join(word.text for word in words)}
    if config.words and words:
        result["result"] = [
            {"conf": word.confidence, "start": word.start_s, "end": word.end_s, "word": word.text} for word in words
        ]
    if not config.alternatives:
        return result
    return {"alternatives": [{"confidence": fmean([word.confidence for word in words] or [0.0]), **result}]}


def _object(message: str) -> dict[str, Any]:
    try:
        request = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("this is no JSON: send samples, or an object") from error
    if not isinstance(request, dict):
        raise ProtocolError("this is no JSON object: send samples, or one")
    return request
