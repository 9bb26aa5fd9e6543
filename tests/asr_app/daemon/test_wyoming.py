"""The Wyoming server, as the clients of the wyoming package use it, and as others do."""

import asyncio
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import pytest
import serving
from serving import House, by_wyoming, pcm
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from asr_app.audio.types import Samples
from asr_app.daemon.limits import Limits
from asr_app.daemon.listening import Binding
from asr_app.daemon.wyoming import serve_wyoming, serve_wyoming_socket
from asr_app.errors import ConfigError

SAID = "__tan" + "_" * 8 + "sat" + "_" * 3
FORM = {"rate": 16_000, "width": 2, "channels": 1}
Open = Callable[..., House]

house, open_house = serving.house, serving.open_house


@pytest.fixture
def sound(whistle: Callable[..., Samples]) -> bytes:
    return pcm(whistle(SAID))


def tcp(house: House) -> str:
    return f"tcp://127.0.0.1:{house.wyoming_port}"


def converse(house: House, *messages: Event) -> list[Event]:
    """What the package's client is told, up to the end."""

    async def run() -> list[Event]:
        async with AsyncClient.from_uri(tcp(house), 20, 20) as client:
            for one in messages:
                await client.write_event(one)
            client._writer.write_eof()
            told: list[Event] = []
            while (event := await client.read_event()) is not None:
                told.append(event)
            return told

    return asyncio.run(run())


def error_of(house: House, raw: bytes) -> str:
    """The one message that answers bytes; then the server hangs up."""
    with hostile.dial(house.wyoming_port) as line:
        line.sendall(raw)
        answer = b""
        while more := line.recv(65_536):
            answer += more
    assert answer.count(b'"type": "error"') == 1
    return answer.decode()


def test_a_recording(house: House, sound: bytes) -> None:
    assert by_wyoming(tcp(house), sound) == "tan sat"
    assert by_wyoming(f"unix://{house.wyoming_socket}", sound) == "tan sat"
    assert stat.S_IMODE(house.wyoming_socket.stat().st_mode) == 0o600


def test_what_it_says_of_itself(house: House) -> None:
    info, pong = converse(house, Describe().event(), Ping("hello").event())
    (program,) = Info.from_event(info).asr
    assert program.supports_transcript_streaming
    assert [(model.name, model.languages) for model in program.models] == [("english", ["en"])]
    assert (pong.type, pong.data) == ("pong", {"text": "hello"})


def test_several_utterances_of_one_connection(house: House, sound: bytes) -> None:
    said = [AudioStart(16_000, 2, 1).event(), AudioChunk(16_000, 2, 1, sound).event(), AudioStop().event()]
    unknown = Event("detect")
    told = converse(house, *said, unknown, *said)
    assert [event.data["text"] for event in told if event.type == "transcript"] == ["tan sat", "tan sat"]
    assert told[-1].type == "transcript-stop"


def test_words_are_told_while_sound_still_comes(house: House, sound: bytes) -> None:
    async def run() -> list[str]:
        async with AsyncClient.from_uri(tcp(house), 20, 20) as client:
            await client.write_event(AudioChunk(16_000, 2, 1, sound).event())  # no start, as some do
            return [(await client.read_event()).type for _ in range(2)]

    assert asyncio.run(run()) == ["transcript-start", "transcript-chunk"]


def test_two_channels_at_another_rate(house: House, whistle: Callable[..., Samples]) -> None:
    samples = whistle(SAID, rate=8_000).repeat(2)
    told = converse(house, AudioChunk(8_000, 2, 2, pcm(samples)).event(), AudioStop().event())
    assert told[-2].data["text"] == "tan sat"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"hello\n", "no Wyoming message"),
        (b"[]\n", "no Wyoming message"),
        (b"{}\n", "no Wyoming message"),
        (b"[" * 60_000 + b"\n", "no Wyoming message"),
        (b'{"type": 3}\n', "no Wyoming message"),
        (b'{"type": "ping", "data": [1]}\n', "no Wyoming message"),
        (b'{"type": "ping", "data_length": "9"}\n', "no Wyoming message"),
        (b'{"type": "ping", "data_length": 9.5}\n', "of more than"),
        (b'{"type": "ping", "data_length": 1000000000000}\n', "a message of more than 200000 bytes"),
        (b'{"type": "ping", "payload_length": 200001}\n' + bytes(200_001), "a message of more than 200000 bytes"),
        (b'{"type": "' + b"x" * 70_000, "the line is longer than 65536 bytes"),
        (hostile.message({}, type="audio-start"), "audio-start needs width 2"),
        (hostile.message({**FORM, "width": 4}, type="audio-chunk"), "audio-chunk needs width 2"),
        (hostile.message({**FORM, "rate": 10**9}, type="audio-start"), "a sample rate of 1000000000"),
        (hostile.message(FORM, b"odd", type="audio-chunk"), "a cut frame"),
        (hostile.message({}, type="audio-stop"), "audio-stop without a start"),
        (hostile.message({"name": "/etc/passwd"}, type="transcribe"), "no model '/etc/passwd'"),
        (hostile.message({"language": "de-DE"}, type="transcribe"), "no language 'de-DE'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(house: House, raw: bytes, reason: str) -> None:
    assert reason in error_of(house, raw)


def test_the_form_of_samples_may_not_change(house: House) -> None:
    told = converse(house, Event("audio-start", FORM), Event("audio-chunk", {**FORM, "rate": 8_000}))
    assert "the form of the samples changed" in told[-1].data["text"]


def test_too_many(open_house: Open) -> None:
    with open_house(clients=1) as house, hostile.dial(house.wyoming_port) as first:
        first.sendall(hostile.message({}))
        assert b"pong" in first.recv(200)
        assert "1 clients are connected" in error_of(house, b"")
    with open_house(streams=1) as house, hostile.dial(house.wyoming_port) as first:
        first.sendall(hostile.message(FORM, type="audio-start") + hostile.message({}))
        answer = b""
        while b"pong" not in answer:
            answer += first.recv(200)
        assert "1 streams are open" in error_of(house, hostile.message(FORM, type="audio-start"))


def test_slow_clients_are_closed(open_house: Open) -> None:
    with open_house(idle_s=0.3) as house:
        assert "no message came for 0.3 s" in error_of(house, b"")
        assert "no message came for 0.3 s" in error_of(house, b'{"type": "ping", "payload_length": 9}\nhalf')


def test_a_stream_that_fails_says_so(house: House, monkeypatch: pytest.MonkeyPatch, sound: bytes) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr("asr_app.recognizer.RecognizerSession.feed", fail)
    told = converse(house, AudioChunk(16_000, 2, 1, sound).event(), AudioStop().event())
    assert told[-1].type == "error"
    assert told[-1].data["text"].startswith("internal error: RuntimeError: no memory")


def test_other_machines_are_not_served() -> None:
    async def run() -> None:
        async with serve_wyoming(None, Binding("0.0.0.0", api_key="sesame"), Limits()):  # type: ignore[arg-type]
            pass

    with pytest.raises(ConfigError, match="Wyoming has no API keys"):
        asyncio.run(run())


def test_a_socket_that_was_left_is_replaced_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "asr.sock"

    async def run() -> None:
        async with serve_wyoming_socket(None, path, Limits()):  # type: ignore[arg-type]
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    asyncio.run(run())
    path.write_text("notes")
    with pytest.raises(OSError, match="already in use"):
        asyncio.run(run())
    assert path.read_text() == "notes"
