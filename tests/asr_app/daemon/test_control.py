"""The control socket in this process: commands, events, limits, and clients that break the rules."""

import asyncio
import errno
import json
import threading
from collections.abc import Callable

import control_house
import pytest
from control_house import House, events_until, texts

from asr_app.errors import AudioDeviceError, OutputError
from asr_app.events import Failed, SpeechStarted

at_home = control_house.at_home


def test_a_take_from_start_to_its_end(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        follower, client = await house.client(), await house.client()
        assert await follower.ask("subscribe") == {"ok": True, "state": "idle"}
        assert await client.ask("start") == {"ok": True, "changed": True, "state": "listening"}
        assert (await client.ask("start"))["changed"] is False
        events = await events_until(follower, "idle")
        assert texts(events) == [(0, "tan"), (1, "sat"), (2, "nas")]
        assert [one["state"] for one in events if one["type"] == "state"][:3] == ["listening", "speech", "listening"]
        assert house.sink.texts == ["tan", "sat", "nas"]
        await client.ask("start")  # another take goes on with the numbers
        assert texts(await events_until(follower, "idle"))[0] == (3, "tan")
        status = await client.ask("status")
        assert (status["state"], status["streams"], status["failure"]) == ("idle", {"live": 0, "files": 0}, None)
        assert not {"tan", "sat", "nas"} & set(json.dumps(status).split('"'))

    at_home(scene)


def test_stop_keeps_what_was_said_and_cancel_does_not(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        house.pace = 4.0
        follower, client = await house.client(), await house.client()
        await follower.ask("subscribe")
        for command, words in (("stop", ["tan"]), ("cancel", [])):
            await client.ask("toggle")
            while (await follower.read())["type"] != "partial":
                pass
            assert (await client.ask(command))["changed"]
            assert (await client.ask(command))["changed"] is False
            assert [text for _, text in texts(await events_until(follower, "idle"))] == words
        assert house.sink.texts == ["tan"]

    at_home(scene)


def test_takes_in_a_hurry_keep_their_order(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        house.pace = 1000.0
        client, follower = await house.client(), await house.client()
        await follower.ask("subscribe")
        for _ in range(3):
            await client.ask("start")
            while any(thread.name == "dictation" for thread in threading.enumerate()):  # it reads the recording
                await asyncio.sleep(0.01)
            await client.ask("stop")
        await house.service._dictation.drain(30)
        assert house.sink.texts == ["tan", "sat", "nas"] * 3

    at_home(scene, queue_s=60.0)


def test_a_key_that_is_let_go_before_the_source_is_open(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        house.pace = 1.0
        press, release = await house.client(), await house.client()
        for command in ("stop", "toggle", "cancel"):
            begun, ended = await asyncio.gather(press.ask("start"), release.ask(command))
            if not ended["changed"]:  # it came first, after all
                ended = await release.ask(command)
            assert (begun["changed"], ended["changed"], ended["state"]) == (True, True, "finishing")
        await house.service._dictation.drain(30)
        assert house.service.state == "idle"

    at_home(scene)


def test_what_cannot_begin_says_why(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        client = await house.client()
        house.source_error = AudioDeviceError("no microphone: plug one in")
        assert await client.ask("start") == {"ok": False, "error": "no microphone: plug one in"}
        assert (await client.ask("status"))["state"] == "idle"
        async with asyncio.timeout(10):
            while house.service.engine.status.live:  # the stream goes with the source
                await asyncio.sleep(0.01)

    at_home(scene)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OutputError("the keyboard is gone: buy another"), "the keyboard is gone: buy another"),
        (OSError(errno.ENOSPC, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    ],
)
def test_a_sink_that_fails_is_told_of_and_the_rest_goes_on(
    at_home: Callable[..., None], error: Exception, message: str
) -> None:
    async def scene(house: House) -> None:
        house.sink.error = error
        client = await house.client()
        await client.ask("subscribe")
        await (await house.client()).ask("start")
        events = await events_until(client, "idle")
        assert len(texts(events)) == 3
        assert [message in one["message"] for one in events if one["type"] == "failed"] == [True] * 3

    at_home(scene)


@pytest.mark.parametrize(
    ("raw", "complaint", "stays"),
    [
        (b"\xff\xfe\n", "no JSON", False),
        (b"[" * 900 + b"\n", "no JSON", False),
        (b"7\n", "no JSON object", False),
        (b"x" * 2000, "longer than 1000 bytes", False),
        (b'{"command": "sing"}\n', "'sing' is no command", True),
        (b'{"command": "set", "self": 1}\n', "nothing is called 'self'", True),
        (b'{"command": ["start"]}\n', "is no command", True),
        (b'{"command": "_publish"}\n', "is no command", True),
        (b'{"command": "stop", "now": 1}\n', "leave 'now' out", True),
        (b"{}\n", "'None' is no command", True),
    ],
)
def test_clients_that_break_the_rules(at_home: Callable[..., None], raw: bytes, complaint: str, stays: bool) -> None:
    async def scene(house: House) -> None:
        other, client = await house.client(), await house.client()
        reply = await client.send(raw)
        assert reply["ok"] is False
        assert complaint in reply["error"]
        if stays:
            assert (await client.ask("status"))["ok"]
        else:
            assert await client.is_closed()
        assert (await other.ask("status"))["ok"]

    at_home(scene, line_bytes=1000)


def test_too_many_too_slow_and_half_lines(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        first, _, third = [await house.client() for _ in range(3)]
        assert "2 clients are connected" in (await third.read())["error"]
        assert await third.is_closed()
        first.writer.write(b'{"comm')
        assert "connect again" in (await first.read())["error"]  # slow-loris
        half = await house.client()
        half.writer.write(b'{"command": "start"}')
        half.writer.write_eof()
        assert await half.is_closed()
        assert house.service.state == "idle"

    at_home(scene, clients=2, idle_s=0.3)


def test_a_slow_subscriber_misses_partials_and_then_is_closed(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        outbox = house.service.subscribe()
        quick = house.service.subscribe()
        for number in range(3):
            house.service._publish(Failed(str(number)))
        assert [await anext(aiter(quick)) for _ in range(3)] == [Failed("0"), Failed("1"), Failed("2")]
        house.service._publish(SpeechStarted(0.0))
        assert await anext(aiter(quick)) == SpeechStarted(0.0)
        with pytest.raises(Exception, match="more than 3 events were not taken"):
            [event async for event in outbox]

    at_home(scene, backlog=3)


def test_clients_that_never_read_are_closed_and_hold_up_nobody(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        deaf = [await house.client() for _ in range(2)]
        commands = (b'{"command": "status"}\n' * 50_000, b'{"command": "subscribe"}\n')
        for client, line in zip(deaf, commands, strict=True):
            client.reader._transport.pause_reading()  # type: ignore[attr-defined]
            client.writer.write(line)
        while not house.service._subscribers:
            await asyncio.sleep(0.01)
        for _ in range(5):
            house.service._publish(Failed("x" * 1_000_000))
        async with asyncio.timeout(10):
            while house.control._connections:
                await asyncio.sleep(0.01)
        assert (await (await house.client()).ask("status"))["subscribers"] == 0

    at_home(scene, idle_s=0.3, backlog=10)


def test_the_end_does_not_wait_for_who_never_reads(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        deaf = await house.client()
        await deaf.ask("subscribe")
        deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(5):
            house.service._publish(Failed("x" * 1_000_000))
        async with asyncio.timeout(10):
            await house.service.close()
            await house.control.close()

    at_home(scene)


def test_shutdown_tells_subscribers(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        follower, client = await house.client(), await house.client()
        await follower.ask("subscribe")
        assert (await client.ask("shutdown"))["state"] == "stopped"
        assert house.service.stopping.is_set()
        await house.service.close()
        await house.control.close()
        assert await follower.read() == {"type": "state", "state": "stopped"}

    at_home(scene)


def test_who_is_connected_at_the_end_leaves_no_traceback(
    at_home: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(house: House) -> None:
        idle = await house.client()
        assert (await idle.ask("status"))["ok"]
        await house.control.close()
        assert await idle.is_closed()

    at_home(scene)
    assert [record for record in caplog.records if record.name == "asyncio"] == []
