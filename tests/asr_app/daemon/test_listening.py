"""Who is answered without a key: programs of this machine and its own pages, but no page of the web."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest
import serving
from serving import House, call
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from asr_app.daemon.listening import Binding

open_house = serving.open_house

STRANGE = [
    pytest.param({"Origin": "https://evil.example"}, id="a page"),
    pytest.param({"Origin": "http://203.0.113.5"}, id="a page at an address"),
    pytest.param({"Origin": "null"}, id="a page in a sandbox"),
    pytest.param({"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"}, id="a name that leads here"),
    pytest.param({"Host": "evil.example:{port}"}, id="what a page of that name only reads"),
    pytest.param({"Host": "127.0.0.1.evil.example"}, id="a name that looks like an address"),
]
KNOWN = [
    {},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://[::1]:3000"},
    {"Origin": "app://notes.example"},
    {"Host": "localhost:{port}"},
    {"Host": "host.docker.internal:{port}", "Origin": "http://host.docker.internal:{port}"},
    {"Host": "192.168.1.7"},
]


@pytest.fixture
def house(open_house: Callable[..., House]) -> Iterator[House]:
    with open_house() as house:
        yield house


def asked(port: int, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body of a request with headers of our own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value.format(port=port))
    connection.endheaders()
    reply = connection.getresponse()
    body = reply.read().decode()
    connection.close()
    return reply.status, body


@pytest.mark.parametrize("headers", STRANGE)
def test_a_page_of_the_web_is_not_answered(house: House, headers: dict[str, str]) -> None:
    status, body = asked(house.http_port, "/v1/models", headers)
    assert status == 403
    assert json.loads(body)["error"]["message"].endswith("give the daemon --api-key-file")
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for port, path in ((house.http_port, "/v1/realtime"), (house.vosk_port, "/")):
        assert asked(port, path, {**headers, **upgrade})[0] == 403


def test_programs_and_pages_of_this_machine_are(house: House) -> None:
    for headers in KNOWN:
        assert asked(house.http_port, "/v1/models", headers)[0] == 200, headers
    with call(house.vosk_port, origin="http://localhost:3000") as client:
        assert serving.ask(client, bytes(100)) == {"partial": ""}


def test_no_page_knows_a_key() -> None:
    assert Binding(api_key="sesame").is_meant({"origin": "https://mine.example", "host": "asr.example"})


def test_websockets_are_counted(open_house: Callable[..., House]) -> None:
    """uvicorn's own limit is of requests, which those that become WebSockets are not."""
    with open_house(clients=2) as house:
        url = f"ws://127.0.0.1:{house.http_port}/v1/realtime"
        with connect(url, proxy=None) as first, connect(url, proxy=None) as second:
            assert [json.loads(one.recv(20))["type"] for one in (first, second)] == ["session.created"] * 2
            with pytest.raises(InvalidStatus) as caught:
                connect(url, proxy=None)
            assert caught.value.response.status_code == 503
            assert b"2 clients are connected" in (caught.value.response.body or b"")
        serving.by_realtime(house.http_port, bytes(9600))
