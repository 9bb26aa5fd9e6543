"""The server of OpenAI's API: recordings over HTTP, live sound over a WebSocket, health and metrics."""

import asyncio
import logging
import math
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.protocols.http.h11_impl import H11Protocol

from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import STRANGE_PAGE, Binding
from asr_app.daemon.openai_errors import ApiError, api_error
from asr_app.daemon.openai_metrics import Metrics
from asr_app.daemon.openai_realtime import converse
from asr_app.daemon.openai_transcriptions import Transcriptions
from asr_app.daemon.service import Service
from asr_app.engine.engine import Engine
from asr_app.errors import AsrError, DaemonError

logger = logging.getLogger(__name__)

_HEALTH = "/health"
_HANGING_S = 60.0
"""A step of the engine that takes so long hangs."""

_HEADERS_S = 10.0
"""How long a client has for the headers of a request."""

_RETRY = {"retry-after": "1"}


@asynccontextmanager
async def serve_openai(service: Service, binding: Binding, limits: Limits) -> AsyncIterator[int]:
    """Answer clients; the port. At the end requests have a moment to be finished.

    Raises OSError where the address cannot be had, ConfigError where the TLS files are wrong.
    """
    app = _Api(service, limits)
    config = uvicorn.Config(
        _Guard(app.starlette, binding, app.metrics, limits.clients),
        http=_Impatient,
        ws="websockets-sansio",
        ws_max_size=limits.message_bytes,
        ws_per_message_deflate=False,
        ws_ping_timeout=None,  # a pong waits behind the sound of a client that is made to wait; idle_s ends dead ones
        lifespan="off",
        log_config=None,
        log_level="critical",  # what strangers send is no error of the daemon
        access_log=False,
        server_header=False,
        limit_concurrency=limits.clients,
        timeout_graceful_shutdown=math.ceil(limits.drain_s),
        ssl_context_factory=(lambda *_: tls) if (tls := binding.tls) else None,
    )
    server = _Server(config)
    family = socket.AF_INET6 if ":" in binding.host else socket.AF_INET
    with socket.create_server((binding.host, binding.port), family=family) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving
            app.transcriptions.close()


class _Server(uvicorn.Server):
    """One that leaves the signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing."""
        yield


class _Impatient(H11Protocol):
    """HTTP for clients that send the headers of a request in time."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """A part of a request came."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        if self._waiting:
            self._waiting.cancel()

    def _watch(self) -> None:
        if not self._wants_headers:
            if self._waiting:
                self._waiting.cancel()
            self._waiting = None
        elif self._waiting is None:
            self._waiting = self.loop.call_later(_HEADERS_S, self._give_up)

    def _give_up(self) -> None:
        self._waiting = None
        if self._wants_headers:
            self.transport.close()

    @property
    def _wants_headers(self) -> bool:
        is_http = self.transport.get_protocol() is self  # no WebSocket yet
        return is_http and (self.cycle is None or self.cycle.response_complete)


class _Guard:
    """Who has no key comes no further, nor does a page of the web; what was answered is counted."""

    def __init__(self, app: ASGIApp, binding: Binding, metrics: Metrics, most: int) -> None:
        """most: WebSockets at the same time, which uvicorn leaves out where it counts what is under way."""
        self._app, self._binding, self._metrics, self._most = app, binding, metrics, most
        self._sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI wants it."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.answered(scope["path"] if scope["path"] in _ROUTES else "other", message["status"])
            await send(message)

        refusal = self._refusal(scope)
        if scope["type"] != "websocket":
            await (refusal or self._app)(scope, receive, counted)
        elif refusal:
            await WebSocket(scope, receive, send).send_denial_response(refusal)
        else:
            self._sockets += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._sockets -= 1

    def _refusal(self, scope: Scope) -> Response | None:
        """What is answered to who may not come in."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._binding.is_meant(headers):
            return _refused(ApiError(403, STRANGE_PAGE, code="strange_page"))
        if scope["path"] != _HEALTH and not self._binding.admits(headers.get("authorization")):
            what = "the API key is wrong or missing: send the daemon's as a bearer token"
            return _refused(ApiError(401, what, code="invalid_api_key"), {"www-authenticate": "Bearer"})
        if scope["type"] == "websocket" and self._sockets >= self._most:
            what = f"{self._most} clients are connected, and no more may be: try again later"
            return _refused(ApiError(503, what), _RETRY)
        return None


def _refused(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(error.body, error.status, headers)


_ROUTES = ("/v1/audio/transcriptions", "/v1/models", _HEALTH, "/metrics")


class _Api:
    """The routes."""

    def __init__(self, service: Service, limits: Limits) -> None:
        self.metrics = Metrics()
        self.transcriptions = Transcriptions(service, limits, self.metrics)
        self._service = service
        self.starlette = Starlette(
            routes=[
                Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
                Route("/v1/models", self._models),
                Route("/v1/models/{name}", self._model),
                Route(_HEALTH, self._health),
                Route("/metrics", self._metrics_text),
                WebSocketRoute("/v1/realtime", partial(converse, service=service, limits=limits)),
            ],
            exception_handlers={ApiError: _refuse, HTTPException: _refuse_http, Exception: _fail},
        )

    async def _transcribe(self, request: Request) -> Response:
        return await self.transcriptions(request)

    @property
    def _name(self) -> str:
        return Path(self._service.settings.model).name

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_described(self._name)]})

    async def _model(self, request: Request) -> Response:
        if request.path_params["name"] != self._name:
            raise ApiError(404, f"there is no such model: ask for {self._name}", "model", "model_not_found")
        return JSONResponse(_described(self._name))

    def _engine(self) -> Engine | None:
        try:
            return self._service.engine
        except DaemonError:
            return None

    async def _health(self, _: Request) -> Response:
        engine = self._engine()
        if engine is None:
            return JSONResponse({"status": "loading"}, 503)
        status = engine.status
        if status.failure:
            return JSONResponse({"status": "failed"}, 503)
        if status.busy_s > _HANGING_S or self._service.recordings.is_hanging:
            return JSONResponse({"status": "hanging"}, 503)
        return JSONResponse({"status": "ok"})

    async def _metrics_text(self, _: Request) -> Response:
        engine = self._engine()
        text = self.metrics.text(engine.status if engine else None, self._service.recordings.under_way)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def _described(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "asr"}


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _refused(error, _RETRY if error.status in (429, 503) else None)


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = {404: "there is no such address", 405: "this address takes other methods"}.get(
        error.status_code, error.detail
    )
    refusal = ApiError(error.status_code, f"{what}: see the daemon's documentation for what there is")
    return _refused(refusal, error.headers)


async def _fail(_: Request, error: Exception) -> Response:
    logger.error("a request failed", exc_info=error)
    refusal = api_error(error) if isinstance(error, AsrError) else ApiError(500, "internal error: see the daemon's log")
    return _refused(refusal)
