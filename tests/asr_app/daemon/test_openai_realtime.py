"""The realtime WebSocket, by OpenAI's own client and by clients that break the rules."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import openai
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loudness import Loudness
from openai_house import KEY, House, at_home
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import asr_app.audio.voice_activity

RATE = 24_000
KIND = "conversation.item.input_audio_transcription"
TALK = "__tan" + "_" * 8 + "sat" + "_" * 8


@pytest.fixture(scope="module")
def house(load: Callable[..., Any]) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
        with at_home(load, message_bytes=500_000, idle_s=20.0) as house:
            yield house


@contextmanager
def connected(house: House, key: str = KEY) -> Iterator[ClientConnection]:
    url = f"ws://127.0.0.1:{house.port}/v1/realtime?intent=transcription"
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}, open_timeout=20) as connection:
        assert read(connection)["type"] == "session.created"
        yield connection


def send(connection: ClientConnection, kind: str, **fields: Any) -> None:
    connection.send(json.dumps({"type": kind, **fields}))


def read(connection: ClientConnection) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(connection.recv(timeout=30))
    assert event["event_id"]
    return event


def until(connection: ClientConnection, kind: str) -> list[dict[str, Any]]:
    events = [read(connection)]
    while events[-1]["type"] != kind:
        assert events[-1]["type"] != "error", events[-1]
        events.append(read(connection))
    return events


def append(connection: ClientConnection, samples: Any, size: int = 4_801) -> None:
    data = (32_767 * samples).astype("<i2").tobytes()
    for start in range(0, len(data), size):  # an odd number: samples are cut
        send(connection, "input_audio_buffer.append", audio=base64.b64encode(data[start : start + size]).decode())


def test_turns_that_the_server_finds(house: House, whistle: Callable[..., Any]) -> None:
    with connected(house) as connection:
        append(connection, whistle(TALK, RATE))
        first, second = until(connection, f"{KIND}.completed"), until(connection, f"{KIND}.completed")
    assert [first[-1]["transcript"], second[-1]["transcript"]] == ["tan", "sat"]
    assert {event["item_id"] for event in first}.isdisjoint(event["item_id"] for event in second)
    for events in (first, second):
        kinds = [event["type"] for event in events]
        assert kinds[0] == "input_audio_buffer.speech_started"
        assert kinds[-3:-1] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]
        assert len({event["item_id"] for event in events}) == 1
        assert "".join(event["delta"] for event in events[1:-3]) == events[-1]["transcript"]
    assert second[-2]["previous_item_id"] == first[0]["item_id"]
    assert second[0]["audio_start_ms"] == pytest.approx(2600, abs=150)


def test_turns_that_the_client_commits(house: House, whistle: Callable[..., Any]) -> None:
    with connected(house) as connection:
        audio = {"input": {"turn_detection": None}}
        send(connection, "session.update", session={"type": "transcription", "audio": audio})
        session = read(connection)["session"]
        assert session["audio"]["input"]["turn_detection"] is None
        append(connection, whistle("__nas____", RATE))
        send(connection, "input_audio_buffer.clear")
        until(connection, "input_audio_buffer.cleared")
        for word in ("tan", "sat"):
            append(connection, whistle(f"__{word}____", RATE))
            send(connection, "input_audio_buffer.commit")
        heard = [until(connection, f"{KIND}.completed")[-1]["transcript"] for _ in range(2)]
        assert heard == ["tan", "sat"]
        send(connection, "input_audio_buffer.commit", event_id="mine")
        error = read(connection)["error"]
        assert (error["event_id"], error["type"]) == ("mine", "invalid_request_error")
        assert "nothing was appended" in error["message"]


@pytest.mark.parametrize(("form", "subtype"), [("g711_ulaw", "ULAW"), ({"type": "audio/pcma"}, "ALAW")])
def test_the_sound_of_telephones(house: House, whistle: Callable[..., Any], form: Any, subtype: str) -> None:
    raw = io.BytesIO()
    soundfile.write(raw, whistle("__tan____", 8_000), 8_000, subtype, format="RAW")
    with connected(house) as connection:
        audio = {"input": {"turn_detection": None, "format": form}}
        send(connection, "session.update", session={"type": "transcription", "audio": audio})
        assert read(connection)["type"] == "session.updated"
        send(connection, "input_audio_buffer.append", audio=base64.b64encode(raw.getvalue()).decode())
        send(connection, "input_audio_buffer.commit")
        assert until(connection, f"{KIND}.completed")[-1]["transcript"] == "tan"


@pytest.mark.filterwarnings("ignore:.*must be used as a context manager:DeprecationWarning")  # the package's own
def test_the_package_of_openai(house: House, whistle: Callable[..., Any]) -> None:
    client = openai.OpenAI(
        api_key=KEY, base_url=f"{house.url}/v1", websocket_base_url=f"ws://127.0.0.1:{house.port}/v1"
    )
    data = (32_767 * whistle(TALK, RATE)).astype("<i2").tobytes()
    with client, client.realtime.connect(model="whistle", extra_query={"intent": "transcription"}) as connection:
        connection.session.update(
            session={
                "type": "transcription",
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": RATE},
                        "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
                        "turn_detection": {"type": "server_vad", "silence_duration_ms": 400, "threshold": 0.3},
                    }
                },
            }
        )
        connection.input_audio_buffer.append(audio=base64.b64encode(data).decode())
        heard = []
        for event in connection:
            assert event.type != "error", event
            if event.type == f"{KIND}.completed":
                heard.append(event.transcript)
            if len(heard) == 2:
                break
    assert heard == ["tan", "sat"]


@pytest.mark.parametrize(
    "session",
    [
        None,
        {"type": "realtime"},
        {"audio": 5},
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}},
        {"audio": {"input": {"transcription": {"model": "/etc/passwd"}}}},
        {"audio": {"input": {"transcription": {"language": "fr"}}}},
        {"input_audio_format": "opus"},
        {"audio": {"input": {"format": {"type": "audio/pcmu", "rate": 24_000}}}},
        {"audio": {"input": {"transcription": {"prompt": 7}}}},
        {"turn_detection": {"type": "semantic_vad"}},
        {"turn_detection": {"type": "server_vad", "threshold": float("nan")}},
        {"turn_detection": {"type": "server_vad", "silence_duration_ms": 1e12}},
    ],
)
def test_what_a_session_cannot_be(house: House, session: Any) -> None:
    with connected(house) as connection:
        send(connection, "transcription_session.update", session=session)
        assert read(connection)["type"] == "error"
        send(connection, "transcription_session.update", session={"input_audio_format": "pcm16"})
        assert read(connection)["type"] == "transcription_session.updated"


def test_no_key_and_frames_that_are_too_long(house: House) -> None:
    with pytest.raises(InvalidStatus) as caught, connected(house, "wrong"):
        pass
    assert caught.value.response.status_code == 401
    with connected(house) as connection:
        connection.send("x" * 600_000)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_who_hangs_up_is_forgotten(house: House, whistle: Callable[..., Any]) -> None:
    for _ in range(5):
        with connected(house) as connection:
            append(connection, whistle(TALK, RATE))
            connection.socket.close()
    with connected(house) as connection:
        append(connection, whistle(TALK, RATE))
        assert until(connection, f"{KIND}.completed")[-1]["transcript"] == "tan"
        assert house.service.engine.status.live == 1


KINDS = ["session.update", "input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.builds(
    lambda kind, fields: json.dumps({**fields, "type": kind}),
    st.sampled_from(KINDS) | VALUES,
    st.dictionaries(st.sampled_from(["audio", "session", "event_id"]), VALUES),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(st.text(max_size=50) | st.binary(max_size=50) | EVENTS, max_size=10))
def test_any_frames(house: House, frames: list[str | bytes]) -> None:
    """Each is answered or taken; the connection goes on."""
    with connected(house) as connection:
        for frame in frames:
            connection.send(frame)
        send(connection, "input_audio_buffer.clear")
        while read(connection)["type"] != "input_audio_buffer.cleared":
            pass
        send(connection, "input_audio_buffer.append", audio=base64.b64encode(np.zeros(9, "<i2").tobytes()).decode())
        send(connection, "session.update", session={})
        assert read(connection)["type"] in ("session.updated", "error", "input_audio_buffer.cleared")
