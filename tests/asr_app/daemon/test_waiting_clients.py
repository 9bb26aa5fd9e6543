"""Clients that send faster than they are heard: they wait, and are not taken for dead meanwhile."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import serving
from serving import House, call

import asr_app.daemon.openai_server
import asr_app.daemon.vosk
from asr_app.daemon.client_stream import ClientStream

open_house = serving.open_house
SOUND = bytes(200_000)


@pytest.fixture
def slow_house(open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> House:
    """One that hears a message in half a second, and would wait 0.2 s, not 20, for the answer to a ping."""

    def quick(where: Any, name: str, prefix: str) -> None:
        make = getattr(where, name)

        def with_quick_pings(*args: Any, **options: Any) -> Any:
            patience = options.pop(f"{prefix}ping_timeout", 20.0)
            pings = {f"{prefix}ping_interval": 0.1, f"{prefix}ping_timeout": patience and 0.2}
            return make(*args, **options, **pings)

        monkeypatch.setattr(where, name, with_quick_pings)

    accept = ClientStream.accept

    async def accept_slowly(self: ClientStream, data: bytes) -> None:
        await asyncio.sleep(0.5)
        await accept(self, data)

    monkeypatch.setattr(ClientStream, "accept", accept_slowly)
    quick(asr_app.daemon.vosk, "serve", "")
    quick(asr_app.daemon.openai_server.uvicorn, "Config", "ws_")
    return open_house()


def test_they_are_heard_to_the_end(slow_house: House) -> None:
    with slow_house as house:
        with call(house.vosk_port) as client:
            for _ in range(4):
                client.send(SOUND)
            assert [json.loads(client.recv(20)) for _ in range(4)] == [{"partial": ""}] * 4
        assert serving.by_realtime(house.http_port, SOUND[:38_400]) == ""
