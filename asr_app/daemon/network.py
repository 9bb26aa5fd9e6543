"""Which servers of the network a daemon has; none but those that were asked for."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import LOOPBACK, Binding
from asr_app.daemon.service import Service
from asr_app.errors import ConfigError, DaemonError

_PACKAGES = ("starlette", "uvicorn", "websockets", "python_multipart", "wyoming")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where each server listens, None where it is off.

    Raises ConfigError where the packages lack, or where Wyoming, which knows no keys, is open to other machines.
    """

    http: Binding | None = None
    vosk: Binding | None = None
    wyoming: Binding | None = None
    wyoming_socket: Path | None = None

    def __post_init__(self) -> None:
        wanted = self.http or self.vosk or self.wyoming or self.wyoming_socket
        if wanted and not all(map(find_spec, _PACKAGES)):
            raise ConfigError("servers need packages that are not installed: pip install 'asr-app[serve]'")
        if self.wyoming and not self.wyoming.is_loopback:
            raise ConfigError(f"Wyoming knows no keys: listen at {LOOPBACK}, and let a tunnel bring others there")

    @property
    def addresses(self) -> list[str]:
        """Where each that is on listens, as a user would write it."""
        named = (("http", self.http), ("vosk", self.vosk), ("wyoming", self.wyoming))
        told = [f"{name} at {binding.address}" for name, binding in named if binding]
        return told + [f"wyoming at {self.wyoming_socket}"] * bool(self.wyoming_socket)


@asynccontextmanager
async def serving(servers: Servers, service: Service, limits: Limits) -> AsyncIterator[None]:
    """Answer at all of them; DaemonError where an address cannot be had."""
    async with AsyncExitStack() as stack:
        for option, address, server in _servers(servers, service, limits):
            try:
                await stack.enter_async_context(server)
            except OSError as error:
                reason = error.strerror or error
                raise DaemonError(f"{address}: {reason}: choose another address with {option}") from error
        yield


def _servers(
    servers: Servers, service: Service, limits: Limits
) -> "list[tuple[str, str, AbstractAsyncContextManager[Any]]]":
    """The option of each server that is on, its address, and what runs it; imported here, for it may not be there."""
    wanted: list[tuple[str, str, AbstractAsyncContextManager[Any]]] = []
    if servers.http:
        from asr_app.daemon.openai_server import serve_openai

        wanted.append(("--http", servers.http.address, serve_openai(service, servers.http, limits)))
    if servers.vosk:
        from asr_app.daemon.vosk import serve_vosk

        wanted.append(("--vosk", servers.vosk.address, serve_vosk(service, servers.vosk, limits)))
    if servers.wyoming:
        from asr_app.daemon.wyoming import serve_wyoming

        wanted.append(("--wyoming", servers.wyoming.address, serve_wyoming(service, servers.wyoming, limits)))
    if servers.wyoming_socket:
        from asr_app.daemon.wyoming import serve_wyoming_socket

        path = servers.wyoming_socket
        wanted.append(("--wyoming-socket", str(path), serve_wyoming_socket(service, path, limits)))
    return wanted
