"""The control socket in this process: commands, events, limits, and clients that break the rules."""

import asyncio
import errno
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from loudness import Loudness

import asr_app.audio.voice_activity
from asr_app.audio.live_source import RealTimeFile
from asr_app.config import Settings
from asr_app.daemon.control import ControlServer
from asr_app.daemon.limits import Limits
from asr_app.daemon.service import Service, Writers
from asr_app.errors import AudioDeviceError, ConfigError, OutputError
from asr_app.events import Failed, SpeechStarted
from asr_app.recognizer import Recognizer
from asr_app.typing.pace import CommittedWords

Load = Callable[..., Recognizer]
Reply = dict[str, Any]


class Memory:
    """A sink that remembers, and that may fail."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.error: Exception | None = None

    def write(self, text: str) -> None:
        if self.error:
            raise self.error
        self.texts.append(text)


class Client:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, command: str, **fields: Any) -> Reply:
        return await self.send(json.dumps({"command": command, **fields}).encode() + b"\n")

    async def send(self, raw: bytes) -> Reply:
        self.writer.write(raw)
        return await self.read()

    async def read(self) -> Reply:
        line = await asyncio.wait_for(self.reader.readline(), 60)
        assert line.endswith(b"\n")
        reply: Reply = json.loads(line)
        return reply

    async def is_closed(self) -> bool:
        return not await asyncio.wait_for(self.reader.read(), 60)


class House:
    """A service of the whistle recogniser with its control socket."""

    def __init__(self, tmp_path: Path, load: Load, recording: Path, limits: Limits) -> None:
        self.sink, self.path, self.pace = Memory(), tmp_path / "control.sock", 50.0
        self.source_error: Exception | None = None
        self.before_source: Callable[[], object] = lambda: None

        def open_source(sample_rate: int) -> RealTimeFile:
            self.before_source()
            if self.source_error:
                raise self.source_error
            return RealTimeFile(recording, sample_rate, pace=self.pace)

        self.settings = Settings(device="cpu", limits=limits)
        self.loads = 0

        def load_one(settings: Settings) -> Recognizer:
            self.loads += 1
            if settings.device == "cuda":
                raise ConfigError("no CUDA: use cpu")
            if settings.device == "mps":
                raise RuntimeError("MPS backend out of memory")
            return load(chunk_ms=320)

        def load_writers(settings: Settings) -> Writers:
            return Writers(pace=CommittedWords() if settings.pace == "committed" else None)

        self.service = Service(lambda: self.settings, load_one, open_source, self.sink, load_writers=load_writers)
        self.control = ControlServer(self.service, limits)
        self.clients: list[Client] = []

    async def client(self) -> Client:
        self.clients.append(Client(*await asyncio.open_unix_connection(self.path)))
        return self.clients[-1]

    async def __aenter__(self) -> "House":
        await self.control.listen(self.path)
        await self.service.load(self.settings)
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.service.close()
        await self.control.close()
        for client in self.clients:
            client.writer.close()


@pytest.fixture
def at_home(tmp_path: Path, load: Load, recording: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function (scene, limit=value, ...) that plays a scene, a coroutine function of a House."""
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
    monkeypatch.setenv("ASR_CONFIG", str(tmp_path / "none.toml"))
    (tmp_path / "none.toml").touch()

    def play(scene: Callable[[House], Awaitable[None]], **limits: Any) -> None:
        async def run() -> None:
            async with House(tmp_path, load, recording, Limits(**limits)) as house:
                await scene(house)

        asyncio.run(run())

    return play


async def events_until(client: Client, state: str) -> list[Reply]:
    """Events up to a state."""
    events = [await client.read()]
    while events[-1] != {"type": "state", "state": state}:
        events.append(await client.read())
    return events


def texts(events: list[Reply]) -> list[tuple[int, str]]:
    return [
        (one["segment_id"], " ".join(word["text"] for word in one["words"])) for one in events if one["type"] == "final"
    ]


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


def test_an_engine_that_is_replaced_while_the_source_opens_still_hears_it(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        client, loop = await house.client(), asyncio.get_running_loop()
        house.before_source = lambda: asyncio.run_coroutine_threadsafe(house.service.reload(), loop).result(60)
        assert (await client.ask("start"))["changed"]
        await house.service._dictation.drain(60)
        assert house.loads == 2
        assert house.sink.texts == ["tan", "sat", "nas"]

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


def test_settings_change_and_what_fails_changes_nothing(at_home: Callable[..., None]) -> None:
    async def scene(house: House) -> None:
        client = await house.client()
        engine = house.service.engine
        assert "no CUDA" in (await client.ask("set", device="cuda"))["error"]
        assert "'tlh'" in (await client.ask("set", language="tlh"))["error"]
        assert "/etc" in (await client.ask("set", model="/etc"))["error"]
        assert "'colour'" in (await client.ask("set", colour="red"))["error"]
        assert house.service.engine is engine
        assert await client.ask("set", language="en") == {"ok": True, "model": "english", "device": "cpu"}
        assert house.service.engine is not engine

    at_home(scene)


def test_settings_that_are_read_again(at_home: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    async def scene(house: House) -> None:
        engine, dictation = house.service.engine, house.service._dictation
        before = house.settings
        house.settings = before.model_copy(update={"device": "mps"})
        await house.service.reload()
        assert house.service.engine is engine
        assert "were not reloaded: internal error: RuntimeError: MPS backend out of memory" in caplog.text
        house.settings = before.model_copy(update={"pace": "committed", "sink": "stdout"})
        await house.service.reload()
        assert isinstance(dictation.pace, CommittedWords)
        assert "the new setting 'sink' is for the next start: restart the daemon" in caplog.text
        assert "limits" not in caplog.text
        house.settings = before
        await house.service.reload()
        assert dictation.pace is None

    at_home(scene)


@pytest.mark.parametrize(
    ("raw", "complaint", "stays"),
    [
        (b"\xff\xfe\n", "no JSON", False),
        (b"[" * 900 + b"\n", "no JSON", False),
        (b"7\n", "no JSON object", False),
        (b"x" * 2000, "longer than 1000 bytes", False),
        (b'{"command": "sing"}\n', "'sing' is no command", True),
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
