"""Which servers are asked, and what they are told."""

import socket
from collections.abc import Iterator

import model_server
import pytest
from model_server import ModelServer

from asr_app.errors import ConfigError
from asr_app.library.https import BrokenError, DownloadError, UnreachableError, check_address, read_json, request


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModelServer, ModelServer]]:
    """Two servers of different origin."""
    monkeypatch.setenv("no_proxy", "*")
    (first, stop_first), (second, stop_second) = model_server.start(), model_server.start()
    yield first, second
    stop_first()
    stop_second()


@pytest.mark.parametrize(
    "url",
    ["https://host/a", "https://host:8443/a", "http://127.0.0.1:80/a", "http://localhost/a", "http://[::1]:8/a"],
)
def test_addresses_that_are_asked(url: str) -> None:
    check_address(url)


@pytest.mark.parametrize(
    "url",
    [
        *("http://host/a", "ftp://host/a", "file:///etc/passwd", "data:,x", "https://", "https:///a", "", "host/a"),
        *("http://127.0.0.1.example.org/a", "http://10.0.0.1/", "https://user:secret@host/a", "https://host/a b"),
        *("https://host/a\nHost: b", "http://[::1/a", "https://host:port:8/a", "https://host/ä"),
    ],
)
def test_addresses_that_are_not_asked(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_address(url)
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_secret_goes_to_its_own_host_only(servers: tuple[ModelServer, ModelServer]) -> None:
    first, second = servers
    first.manners = {
        "/near": model_server.redirects("/there"),
        "/far": model_server.redirects(f"{second.address}/there"),
    }
    first.files["/there"] = second.files["/there"] = b"1"
    for path in ("/near", "/far"):
        request(first.address + path, token="secret").close()
    assert [headers["Authorization"] for _, headers in first.asked] == ["Bearer secret"] * 3
    assert [headers["Authorization"] for _, headers in second.asked] == [None]


@pytest.mark.parametrize("location", ["ftp://host/a", "http://example.org/a", "file:///etc/passwd", "//user@host/a"])
def test_redirections_that_are_not_followed(servers: tuple[ModelServer, ModelServer], location: str) -> None:
    servers[0].manners["/a"] = model_server.redirects(location)
    with pytest.raises((DownloadError, ConfigError)):
        request(f"{servers[0].address}/a")


def test_redirections_without_an_end(servers: tuple[ModelServer, ModelServer]) -> None:
    servers[0].manners["/a"] = model_server.redirects("/a")
    with pytest.raises(DownloadError, match="refuses"):
        request(f"{servers[0].address}/a")


def test_there_is_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1 cannot be reached"):
            request(f"http://127.0.0.1:{unused.getsockname()[1]}/a")


def test_answers_in_json(servers: tuple[ModelServer, ModelServer]) -> None:
    server = servers[0]
    server.files = {"/good": b'{"a": 1}', "/bad": b"<html>", "/deep": b"[" * 100_000}
    assert read_json(f"{server.address}/good") == {"a": 1}
    for path in ("/bad", "/deep"):
        with pytest.raises(DownloadError, match="does not answer in JSON"):
            read_json(server.address + path)
    server.manners["/good"] = model_server.status(500)
    with pytest.raises(BrokenError, match="not well"):
        read_json(f"{server.address}/good")
