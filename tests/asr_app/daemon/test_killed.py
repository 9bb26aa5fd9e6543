"""A daemon that is killed in the middle: its clients know, and its successor serves at the same places."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import hostile
import pytest
import serving
import storm
from serving import Addresses, pcm
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from wyoming.audio import AudioStart
from wyoming.client import AsyncClient
from wyoming.ping import Ping

from asr_app.audio.types import Samples
from asr_app.daemon.client import GONE, ControlClient
from asr_app.errors import DaemonError


@contextmanager
def websocket(url: str, sent: str | bytes) -> Iterator[None]:
    """A client that has begun, and knows at the end that it was left."""
    with connect(url, proxy=None, compression=None) as client:
        client.send(sent)
        assert client.recv(60)
        yield
        with pytest.raises(ConnectionClosed):
            list(client)


@contextmanager
def recording(port: int, sound: bytes) -> Iterator[None]:
    """A client that has sent half of its recording, and is hung up on."""
    headers, body = serving.transcription(sound)
    with hostile.dial(port) as line:
        line.sendall(hostile.post(body, headers)[:-1000])
        yield
        with suppress(ConnectionResetError):
            assert line.recv(100) == b""


@contextmanager
def wyoming(uri: str) -> Iterator[None]:
    """The package's client in the middle of an utterance."""
    with asyncio.Runner() as runner:
        client = AsyncClient.from_uri(uri, 60, 60)
        runner.run(client.connect())
        for event in (AudioStart(16_000, 2, 1).event(), Ping().event()):
            runner.run(client.write_event(event))
        assert runner.run(client.read_event()) is not None
        yield
        with suppress(ConnectionError):
            while runner.run(client.read_event()) is not None:
                pass
        client._writer.close()


@contextmanager
def follower(socket_path: Path) -> Iterator[None]:
    """`asr ctl follow`, which says that the daemon has gone."""
    command = [sys.executable, "-m", "asr_app.cli.entry", "ctl", "follow"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert "idle" in process.stdout.readline()
        yield
        _, complaint = process.communicate(timeout=60)
    assert GONE in complaint
    assert process.returncode == DaemonError.exit_code


@pytest.mark.slow
def test_every_client_knows_and_the_next_daemon_serves(
    run_daemon: Callable[..., Any], tmp_path: Path, whistle: Callable[..., Samples]
) -> None:
    http, vosk, tcp = serving.free_ports(3)
    path, sound = tmp_path / "w.sock", pcm(whistle("__tan____"))
    options = ["--http", str(http), "--vosk", str(vosk), "--wyoming", str(tcp), "--wyoming-socket", str(path)]
    first = run_daemon(*options).ready()
    append = serving.realtime_events(sound)[1]
    with ExitStack() as clients:
        clients.enter_context(follower(first.socket))
        clients.enter_context(recording(http, sound))
        clients.enter_context(websocket(f"ws://127.0.0.1:{http}/v1/realtime?intent=transcription", append))
        clients.enter_context(websocket(f"ws://127.0.0.1:{vosk}", bytes(3200)))
        clients.enter_context(wyoming(f"tcp://127.0.0.1:{tcp}"))
        clients.enter_context(wyoming(f"unix://{path}"))
        first.process.kill()
        first.process.wait(60)
    assert first.socket.exists()  # what is stale does not stop the next one
    assert path.exists()

    second = run_daemon(*options).ready()
    with ControlClient(second.socket) as client:
        assert client.request("status")["pid"] == second.process.pid
    speakers = storm.speakers(Addresses(second.socket, http, vosk, tcp, path), sound)
    assert {name: speak() for name, speak in speakers.items()} == dict.fromkeys(speakers, "tan")
