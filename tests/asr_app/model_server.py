"""A server of model files on this machine that can be told to misbehave."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ETAG = '"first version"'


@dataclass
class ModelServer:
    """files: content by path. manners: how a path is answered where not as it should be; see below."""

    files: dict[str, bytes] = field(default_factory=dict)
    manners: dict[str, "Manner"] = field(default_factory=dict)
    asked: list[tuple[str, Message]] = field(default_factory=list)
    address: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.asked]

    def ranges(self) -> list[str | None]:
        """The parts that were asked for, in order."""
        return [headers["Range"] for _, headers in self.asked]


Manner = Callable[["_Handler", ModelServer, bytes], None]


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        model_server: ModelServer = self.server.model_server
        model_server.asked.append((self.path, self.headers))
        content = model_server.files.get(self.path)
        if manner := model_server.manners.get(self.path):
            manner(self, model_server, content or b"")
        elif content is None:
            self.send_error(404)
        else:
            proper(self, model_server, content)

    def answer(self, status: int, content: bytes = b"", **headers: object) -> None:
        """Send headers (ETag=...: underscores are hyphens) and content."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)

    def part(self, content: bytes) -> tuple[int, dict[str, object]]:
        """Where the asked-for part begins, and the headers that say so."""
        asked, condition = self.headers["Range"], self.headers["If-Range"]
        if not asked or condition != ETAG:
            return 0, {"Content_Length": len(content), "ETag": ETAG}
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        extent = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return start, {"Content_Length": len(content) - start, "Content_Range": extent, "ETag": ETAG}

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def proper(handler: _Handler, server: ModelServer, content: bytes) -> None:
    start, headers = handler.part(content)
    if start >= len(content) > 0:
        handler.answer(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
    else:
        handler.answer(206 if "Content_Range" in headers else 200, content[start:], **headers)


def cuts(after: int, times: int = 1) -> Manner:
    """Close the connection after some bytes of each answer; the last time but so many it behaves."""
    left = [times]

    def manner(handler: _Handler, server: ModelServer, content: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            return proper(handler, server, content)
        start, headers = handler.part(content)
        handler.answer(206 if "Content_Range" in headers else 200, content[start : start + after], **headers)

    return manner


def lies(by: int) -> Manner:
    """Announce more bytes, or fewer, than come."""

    def manner(handler: _Handler, server: ModelServer, content: bytes) -> None:
        handler.answer(200, content, Content_Length=len(content) + by)

    return manner


def ignores_ranges(handler: _Handler, server: ModelServer, content: bytes) -> None:
    """Send all, whatever is asked for."""
    handler.answer(200, content, Content_Length=len(content), ETag=ETAG)


def without_length(handler: _Handler, server: ModelServer, content: bytes) -> None:
    """Let the end of the connection be the end of the file."""
    handler.answer(200, content)


def wrong_part(handler: _Handler, server: ModelServer, content: bytes) -> None:
    """Answer a part with another one."""
    if handler.headers["Range"]:
        extent = f"bytes 0-{len(content) - 1}/{len(content)}"
        return handler.answer(206, content, Content_Range=extent, Content_Length=len(content))
    cuts(10)(handler, server, content)


def status(code: int, times: int = 1_000) -> Manner:
    """Refuse, so many times."""
    left = [times]

    def manner(handler: _Handler, server: ModelServer, content: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            return proper(handler, server, content)
        handler.answer(code, Content_Length=0)

    return manner


def redirects(location: str) -> Manner:
    def manner(handler: _Handler, server: ModelServer, content: bytes) -> None:
        handler.answer(302, Location=location, Content_Length=0)

    return manner


def pauses(at: int) -> Manner:
    """Send nothing beyond some byte until the server is released."""

    def manner(handler: _Handler, server: ModelServer, content: bytes) -> None:
        start, headers = handler.part(content)
        handler.answer(206 if "Content_Range" in headers else 200, content[start:at], **headers)
        handler.wfile.flush()
        server.released.wait(60)

    return manner


def start() -> tuple[ModelServer, Callable[[], None]]:
    """A running server, and what stops it."""
    model_server = ModelServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.model_server = model_server  # type: ignore[attr-defined]
    model_server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def stop() -> None:
        model_server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()

    return model_server, stop
