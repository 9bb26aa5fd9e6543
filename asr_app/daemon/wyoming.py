"""The Wyoming protocol, which Home Assistant speaks: over TCP, or a Unix socket.

describe -> info; transcribe, audio-start, audio-chunk, ..., audio-stop
-> transcript-start, transcript-chunk, ..., transcript, transcript-stop

The chunks of a transcript are its segments, whose words no longer change.
"""

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event as Message
from wyoming.event import Eventable, async_read_event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info
from wyoming.ping import Ping, Pong

from asr_app import __version__
from asr_app.daemon.client_stream import ClientStream, SampleForm, checked_rate
from asr_app.daemon.deltas import Deltas
from asr_app.daemon.hanging_up import hang_up
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import LOOPBACK, Binding
from asr_app.daemon.outbox import Outbox
from asr_app.daemon.service import Service
from asr_app.daemon.streams import Streams
from asr_app.errors import AsrError, ConfigError, ProtocolError
from asr_app.events import Failed, Final

logger = logging.getLogger(__name__)

_LANGUAGE = "en"

_LINGER_S = 1.0
"""How long a client that is refused has for its last message."""


@contextlib.asynccontextmanager
async def serve_wyoming(service: Service, binding: Binding, limits: Limits) -> AsyncIterator[asyncio.Server]:
    """Answer clients at an address; ConfigError where other machines could use it."""
    if not binding.is_loopback:
        raise ConfigError(f"{binding.host}: Wyoming has no API keys: listen at {LOOPBACK}, or at a Unix socket")
    clients = _Clients(service, limits)
    server = await asyncio.start_server(
        clients.connected, binding.host, binding.port, ssl=binding.tls, limit=limits.line_bytes
    )
    async with clients.until_done(server):
        yield server


@contextlib.asynccontextmanager
async def serve_wyoming_socket(service: Service, path: Path, limits: Limits) -> AsyncIterator[asyncio.Server]:
    """Answer clients at a Unix socket that only its owner may use.

    A socket that was left there is replaced, which asyncio sees to; OSError for another file.
    """
    clients = _Clients(service, limits)
    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(clients.connected, path, limit=limits.line_bytes)
    finally:
        os.umask(mask)
    try:
        async with clients.until_done(server):
            yield server
    finally:
        path.unlink(missing_ok=True)


class _Clients:
    """The connections of a server."""

    def __init__(self, service: Service, limits: Limits) -> None:
        self._service, self._limits = service, limits
        self._tasks: set[asyncio.Task[Any]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        wire = _Wire(reader, writer, self._limits)
        try:
            if len(self._tasks) > self._limits.clients:
                most = self._limits.clients
                await wire.refuse(ProtocolError(f"{most} clients are connected, and no more may be: try again later"))
            else:
                await _Conversation(self._service, wire, self._limits).run()
        except OSError:  # TimeoutError is one
            logger.info("a client went away, or took nothing for too long")
        except asyncio.CancelledError:
            logger.info("a client was connected when the daemon ended")
        except Exception:
            logger.exception("a conversation failed")
        finally:
            await hang_up(writer)
            self._tasks.discard(task)

    @contextlib.asynccontextmanager
    async def until_done(self, server: asyncio.Server) -> AsyncIterator[None]:
        """Close the server and its connections at the end."""
        try:
            yield
        finally:
            server.close()
            for task in (tasks := tuple(self._tasks)):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Wire:
    """Messages of one client, framed by the package, neither longer nor slower than the limits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: Limits) -> None:
        self._reader, self._writer, self._limits = reader, writer, limits
        self._ended = False

    async def read(self) -> Message | None:
        """The next message; None at the end. ProtocolError where it is none, too long or too slow."""
        try:
            async with asyncio.timeout(self._limits.idle_s):
                message = await async_read_event(self)  # type: ignore[arg-type]  # it calls the two methods below only
        except TimeoutError as error:
            raise ProtocolError(f"no message came for {self._limits.idle_s:g} s: connect again") from error
        except asyncio.IncompleteReadError:
            return None
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ProtocolError("this is no Wyoming message: send a line of JSON with a type") from error
        if self._ended:
            return None
        if message is None or not isinstance(message.type, str) or not isinstance(message.data, dict):
            raise ProtocolError("this is no Wyoming message: send a line of JSON with a type")
        return message

    async def readline(self) -> bytes:
        """A message's first line."""
        try:
            line = await self._reader.readline()
        except ValueError as error:
            raise ProtocolError(f"the line is longer than {self._limits.line_bytes} bytes: send less") from error
        self._ended = not line.endswith(b"\n")
        return b"" if self._ended else line

    async def readexactly(self, size: int) -> bytes:
        """A message's data or payload."""
        if not isinstance(size, int) or size > self._limits.message_bytes:
            raise ProtocolError(f"a message of more than {self._limits.message_bytes} bytes: send less at once")
        return await self._reader.readexactly(size)

    async def write(self, *messages: Eventable) -> None:
        """Send messages; TimeoutError where the client does not take them."""
        async with asyncio.timeout(self._limits.idle_s):
            for message in messages:
                await async_write_event(message.event(), self._writer)

    async def refuse(self, error: AsrError) -> None:
        """The last message of a connection; what still comes is read, or the client would see a reset instead."""
        await self.write(Error(str(error), type(error).__name__))
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(self._limits.line_bytes):
                    pass


class _Conversation:
    """One connection, which has one stream at a time."""

    def __init__(self, service: Service, wire: _Wire, limits: Limits) -> None:
        self._service, self._wire, self._limits = service, wire, limits
        self._utterance: _Utterance | None = None

    async def run(self) -> None:
        """Answer until the client is gone or refused."""
        try:
            while (message := await self._wire.read()) is not None:
                await self._answer(message)
        except AsrError as error:
            await self._wire.refuse(error)
        finally:
            await self._drop()

    async def _answer(self, message: Message) -> None:
        """Messages of other kinds are left out, as the protocol wants it."""
        if Describe.is_type(message.type):
            await self._wire.write(_info(self._model))
        elif Ping.is_type(message.type):
            await self._wire.write(Pong(message.data.get("text")))
        elif Transcribe.is_type(message.type):
            self._check(message.data.get("name"), message.data.get("language"))
        elif AudioStart.is_type(message.type):
            await self._drop()
            await self._begin(_Form.of(message))
        elif AudioChunk.is_type(message.type):
            await self._hear(_Form.of(message), message.payload or b"")
        elif AudioStop.is_type(message.type):
            await self._end()

    @property
    def _model(self) -> str:
        return Path(self._service.settings.model).name

    def _check(self, name: object, language: object) -> None:
        if name not in (None, self._model):
            raise ProtocolError(f"no model {str(name)[:40]!r}: ask for {self._model}, or name none")
        if language is not None and re.split("[-_]", str(language))[0].lower() != _LANGUAGE:
            raise ProtocolError(f"no language {str(language)[:40]!r}: ask for {_LANGUAGE}, or name none")

    async def _begin(self, form: "_Form") -> "_Utterance":
        self._utterance = _Utterance(await self._service.streams(), self._wire, form, self._limits.backlog)
        return self._utterance

    async def _hear(self, form: "_Form", data: bytes) -> None:
        utterance = self._utterance or await self._begin(form)
        if form != utterance.form:
            raise ProtocolError("the form of the samples changed: send audio-start again")
        await utterance.hear(data)

    async def _end(self) -> None:
        if self._utterance is None:
            raise ProtocolError("audio-stop without a start: send audio-start and audio-chunk first")
        await self._utterance.end()
        await self._drop()

    async def _drop(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance:
            await utterance.close()


@dataclass(frozen=True, slots=True)
class _Form:
    """Of 16-bit samples: Hz, and how many channels take turns."""

    rate: int
    channels: int

    @classmethod
    def of(cls, message: Message) -> "_Form":
        """As a message states it; ProtocolError where it cannot be heard."""
        width, channels = message.data.get("width"), message.data.get("channels")
        if width != 2 or channels not in (1, 2):
            raise ProtocolError(f"{message.type} needs width 2 and 1 or 2 channels: send 16-bit samples")
        return cls(checked_rate(message.data.get("rate")), channels)

    def mono(self, data: bytes) -> bytes:
        """Samples (s16le) of one channel; ProtocolError where a frame is cut."""
        if len(data) % (2 * self.channels):
            raise ProtocolError("an audio-chunk with a cut frame: send whole ones")
        frames = np.frombuffer(data, "<i2").reshape(-1, self.channels)
        return data if self.channels == 1 else frames.mean(axis=1).astype("<i2").tobytes()


class _Utterance:
    """From audio-start to audio-stop: a stream, and the task that tells its segments as they become final."""

    def __init__(self, streams: Streams, wire: _Wire, form: _Form, backlog: int) -> None:
        self.form = form
        self._wire, self._outbox = wire, Outbox(backlog)
        self._stream = ClientStream(streams, self._outbox, SampleForm(form.rate))
        self._told = asyncio.create_task(self._tell())

    async def hear(self, data: bytes) -> None:
        """Take a chunk; raises what went wrong with those before it."""
        if self._told.done():
            self._told.result()
        await self._stream.accept(self.form.mono(data))

    async def end(self) -> None:
        """Tell the rest."""
        await self._stream.finish()
        await self._told

    async def close(self) -> None:
        """Drop what was not heard yet."""
        self._stream.cancel()
        self._told.cancel()
        await asyncio.gather(self._told, return_exceptions=True)

    async def _tell(self) -> None:
        await self._wire.write(TranscriptStart(language=_LANGUAGE))
        deltas, text = Deltas(), ""
        async for event in self._outbox:
            if isinstance(event, Failed):
                raise AsrError(event.message)
            if isinstance(event, Final) and (delta := deltas.of(event)):
                await self._wire.write(TranscriptChunk(delta))
                text += delta
        await self._wire.write(Transcript(text, language=_LANGUAGE), TranscriptStop())


def _info(model: str) -> Info:
    ours = Attribution("asr", "")
    models = [AsrModel(model, ours, True, None, __version__, languages=[_LANGUAGE])]
    program = AsrProgram(
        "asr", ours, True, "A streaming speech recogniser", __version__, models, supports_transcript_streaming=True
    )
    return Info(asr=[program])
