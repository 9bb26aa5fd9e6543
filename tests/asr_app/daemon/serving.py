"""All servers of a daemon in a thread of this process, and clients that do as they should."""

import asyncio
import base64
import io
import json
import socket
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from loudness import Loudness
from websockets.sync.client import ClientConnection, connect
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient

import asr_app.audio.voice_activity
import asr_app.daemon.recordings
from asr_app.audio.live_source import LiveSource
from asr_app.audio.types import Samples
from asr_app.config import Settings
from asr_app.daemon.control import ControlServer
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import Binding
from asr_app.daemon.openai_server import serve_openai
from asr_app.daemon.service import Service
from asr_app.daemon.sinks import NoSink
from asr_app.daemon.vosk import serve_vosk
from asr_app.daemon.wyoming import serve_wyoming, serve_wyoming_socket
from asr_app.errors import AudioDeviceError
from asr_app.recognizer import Recognizer

RATE = 16_000
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers of a daemon are."""

    control: Path
    http_port: int
    vosk_port: int
    wyoming_port: int
    wyoming_socket: Path


def no_source(_: int) -> LiveSource:
    raise AudioDeviceError("there is no microphone: play a recording")


class House:
    """A service with all its servers; a context manager."""

    def __init__(self, recognizer: Recognizer, folder: Path, limits: Limits, binding: Binding) -> None:
        self.control, self.wyoming_socket = folder / "control.sock", folder / "wyoming.sock"
        self.http_port = self.vosk_port = self.wyoming_port = 0
        self._recognizer, self._limits, self._binding = recognizer, limits, binding
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="house")

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._ready.wait(0.1):
            assert self._thread.is_alive(), "the servers did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self.service.stopping.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    @property
    def addresses(self) -> Addresses:
        """Of its servers."""
        return Addresses(self.control, self.http_port, self.vosk_port, self.wyoming_port, self.wyoming_socket)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        settings = Settings(device="cpu", limits=self._limits)
        self.service = Service(lambda: settings, lambda _: self._recognizer, no_source, NoSink())
        control = ControlServer(self.service, self._limits)
        await control.listen(self.control)
        await self.service.load(settings)
        async with AsyncExitStack() as stack:
            self.http_port = await stack.enter_async_context(serve_openai(self.service, self._binding, self._limits))
            vosk = await stack.enter_async_context(serve_vosk(self.service, self._binding, self._limits))
            wyoming = await stack.enter_async_context(serve_wyoming(self.service, self._binding, self._limits))
            await stack.enter_async_context(serve_wyoming_socket(self.service, self.wyoming_socket, self._limits))
            self.vosk_port = next(iter(vosk.sockets)).getsockname()[1]
            self.wyoming_port = wyoming.sockets[0].getsockname()[1]
            self._ready.set()
            await self.service.stopping.wait()
        await self.service.close()
        await control.close()


@pytest.fixture
def open_house(
    tmp_path: Path, load: Callable[..., Recognizer], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., House]:
    """A function (limit=value, ...) -> a House of the whistle recogniser, not yet entered."""
    monkeypatch.setenv("ASR_CONFIG", str(tmp_path / "none.toml"))
    (tmp_path / "none.toml").touch()
    monkeypatch.setattr(asr_app.daemon.recordings, "SileroVad", Loudness)
    monkeypatch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)

    def make(binding: Binding | None = None, **limits: Any) -> House:
        return House(load(chunk_ms=320), tmp_path, Limits(**limits), binding or Binding())

    return make


@pytest.fixture
def house(open_house: Callable[..., House]) -> Iterator[House]:
    """A House that is open, and takes messages of 200,000 bytes."""
    with open_house(message_bytes=200_000) as house:
        yield house


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in listeners]


def pcm(samples: Samples) -> bytes:
    """Samples as s16le."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def call(port: int, **options: Any) -> ClientConnection:
    """A Vosk client, connected."""
    return connect(f"ws://127.0.0.1:{port}/", proxy=None, compression=None, **options)


def ask(client: ClientConnection, message: str | bytes) -> dict[str, Any]:
    """Send, and wait for the reply."""
    client.send(message)
    reply: dict[str, Any] = json.loads(client.recv(PATIENCE_S))
    return reply


def by_vosk(port: int, sound: bytes, rate: int = RATE) -> str:
    """What Vosk's test client prints for a recording: config, 0.2 s at a time, eof."""
    with call(port) as client:
        client.send(json.dumps({"config": {"sample_rate": rate}}))
        step = int(rate * 0.2) * 2
        replies = [ask(client, sound[at : at + step]) for at in range(0, len(sound), step)]
        replies.append(ask(client, '{"eof" : 1}'))
    return " ".join(reply["text"] for reply in replies if reply.get("text"))


def by_wyoming(uri: str, sound: bytes, rate: int = RATE) -> str:
    """What the package's client is told of a recording."""
    return asyncio.run(_by_wyoming(uri, sound, rate))


async def _by_wyoming(uri: str, sound: bytes, rate: int) -> str:
    async with AsyncClient.from_uri(uri, PATIENCE_S, PATIENCE_S) as client:
        await client.write_event(Transcribe(language="en").event())
        await client.write_event(AudioStart(rate, 2, 1).event())
        for at in range(0, len(sound), 2048):
            await client.write_event(AudioChunk(rate, 2, 1, sound[at : at + 2048]).event())
        await client.write_event(AudioStop().event())
        chunks: list[str] = []
        while True:
            event = await client.read_event()
            assert event is not None
            if TranscriptChunk.is_type(event.type):
                chunks.append(event.data["text"])
            elif Transcript.is_type(event.type):
                text = Transcript.from_event(event).text
            elif TranscriptStop.is_type(event.type):
                assert "".join(chunks) == text
                return text
            else:
                assert event.type == "transcript-start"


def wav(sound: bytes, rate: int = RATE) -> bytes:
    """A recording of samples (s16le, mono)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(sound)
    return file.getvalue()


def transcription(sound: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request to transcribe a recording."""
    boundary, kind = "a-boundary", "Content-Disposition: form-data; name="
    parts = f'--{boundary}\r\n{kind}"model"\r\n\r\nwhisper-1\r\n--{boundary}\r\n{kind}"file"; filename="a.wav"\r\n\r\n'
    body = parts.encode() + wav(sound) + f"\r\n--{boundary}--\r\n".encode()
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body


def by_rest(port: int, sound: bytes) -> str:
    """What is told of a recording at OpenAI's address for them; who is told to come again does, as its package does."""
    headers, body = transcription(sound)
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("POST", "/v1/audio/transcriptions", body, headers)
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 429:
            assert reply.status == 200, answer
            text: str = answer["text"]
            return text
        time.sleep(float(reply.headers["retry-after"]))


def realtime_events(sound: bytes) -> list[str]:
    """What a realtime client sends that commits its sound (s16le of 24,000 Hz) itself."""
    audio = {"input": {"turn_detection": None}}
    appended = [base64.b64encode(sound[at : at + 9600]).decode() for at in range(0, len(sound), 9600)]
    events = [
        {"type": "session.update", "session": {"type": "transcription", "audio": audio}},
        *({"type": "input_audio_buffer.append", "audio": piece} for piece in appended),
        {"type": "input_audio_buffer.commit"},
    ]
    return [json.dumps(event) for event in events]


def by_realtime(port: int, sound: bytes) -> str:
    """What a realtime client is told of sound that it commits itself."""
    url = f"ws://127.0.0.1:{port}/v1/realtime?intent=transcription"
    with connect(url, proxy=None, compression=None) as client:
        for event in realtime_events(sound):
            client.send(event)
        while True:
            told = json.loads(client.recv(PATIENCE_S))
            assert told["type"] != "error", told
            if told["type"].endswith(".completed"):
                text: str = told["transcript"]
                return text


def at_24_khz(sound: bytes) -> bytes:
    """Samples of RATE as a realtime client sends them, between which lines are drawn."""
    samples = np.frombuffer(sound, "<i2")
    times = np.arange(len(samples) * 3 // 2) / 1.5
    return np.interp(times, np.arange(len(samples)), samples).astype("<i2").tobytes()
