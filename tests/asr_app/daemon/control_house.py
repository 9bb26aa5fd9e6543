"""A service of the whistle recogniser with its control socket, in this process's event loop."""

import asyncio
import json
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
from asr_app.errors import ConfigError
from asr_app.library.models import find_model
from asr_app.recognizer import Recognizer
from asr_app.typing.pace import CommittedWords
from asr_app.words.vocabulary import Entry

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
        self.words: list[Entry] = []

        def load_one(settings: Settings) -> Recognizer:
            self.loads += 1
            if settings.device == "cuda":
                raise ConfigError("no CUDA: use cpu")
            if settings.device == "mps":
                raise RuntimeError("MPS backend out of memory")
            recognizer = load(chunk_ms=320)
            return recognizer.expecting(self.words, find_model(settings.model)) if self.words else recognizer

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
