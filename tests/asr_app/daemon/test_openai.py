"""The OpenAI server over HTTP, asked by OpenAI's own client and by clients that break the rules."""

import io
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loudness import Loudness
from openai_house import KEY, House, at_home

import asr_app.audio.voice_activity
import asr_app.daemon.openai_server
from asr_app.cli.daemon import app
from asr_app.daemon.listening import Binding, parse_address
from asr_app.daemon.openai_formats import rendered
from asr_app.errors import ConfigError
from asr_app.events import Final, Written
from asr_app.text.stages import Token
from asr_app.text.written import written

HEADS = [b"", b"--X\r\n", b"--X\r\nContent-Disposition: form-data; "]
SPEECH = "__tan" + "_" * 8 + "sat" + "_" * 10


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where temporary files go."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def house(load: Callable[..., Any], uploads: Path) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asr_app.audio.voice_activity, "SileroVad", Loudness)
        patch.setattr(asr_app.daemon.openai_server, "_HEADERS_S", 0.5)
        patch.setattr(tempfile, "tempdir", str(uploads))
        with at_home(load, upload_bytes=3_000_000, recording_s=60.0, uploads=6, idle_s=5.0) as house:
            yield house
    assert list(uploads.iterdir()) == []


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[Any]:
    with asking(house) as client:
        yield client


def asking(house: House) -> Any:
    return openai.OpenAI(api_key=KEY, base_url=f"{house.url}/v1", max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def speech(whistle: Callable[..., Any]) -> bytes:
    return wav(whistle(SPEECH))


def wav(samples: Any, form: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, format=form)
    return buffer.getvalue()


def transcribe(client: Any, data: bytes, **options: Any) -> Any:
    return client.audio.transcriptions.create(file=("talk.wav", data), **{"model": "whisper-1", **options})


def raw(house: House, request: bytes, reply: bool = True) -> bytes:
    """What a client that writes its own bytes gets, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as connection:
        connection.sendall(request)
        if not reply:
            return b""
        got = b""
        while piece := connection.recv(65_536):
            got += piece
        return got


def posted(house: House, body: bytes, content_type: str = "multipart/form-data; boundary=X", length: int = -1) -> int:
    """The status of a request of our own making."""
    size = len(body) if length < 0 else length
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    )
    reply = raw(house, head.encode() + body)
    if reply.split(b" ", 2)[1] != b"200":
        assert set(json.loads(reply.split(b"\r\n\r\n", 1)[1])["error"]) == {"message", "type", "param", "code"}
    return int(reply.split(b" ", 2)[1])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_form(client: Any, speech: bytes) -> None:
    told = transcribe(client, speech, language="en", prompt="tan", temperature=0.5)
    assert told.text == "tan sat"
    assert told.usage.seconds == 6
    assert transcribe(client, speech, response_format="text") == "tan sat\n"
    srt = transcribe(client, speech, response_format="srt")
    assert srt.startswith("1\n00:00:00,")
    assert "tan" in srt
    assert transcribe(client, speech, response_format="vtt").startswith("WEBVTT\n")
    both = ["word", "segment"]
    verbose = transcribe(client, speech, response_format="verbose_json", timestamp_granularities=both)
    assert verbose.duration == pytest.approx(5.2)
    assert [word.word for word in verbose.words] == ["tan", "sat"]
    assert verbose.words[0].start == pytest.approx(0.4, abs=0.25)
    assert " ".join(segment.text for segment in verbose.segments) == "tan sat"
    assert verbose.segments[0].start == verbose.words[0].start


def test_flac_and_silence(client: Any, whistle: Callable[..., Any]) -> None:
    assert transcribe(client, wav(whistle("__nas____"), "FLAC")).text == "nas"
    silent = transcribe(client, wav(np.zeros(16_000, np.float32)), response_format="verbose_json")
    assert (silent.text, silent.segments) == ("", [])


def test_a_stream_of_events(client: Any, speech: bytes) -> None:
    events = list(transcribe(client, speech, stream=True))
    assert "".join(event.delta for event in events[:-1]) == events[-1].text == "tan sat"
    assert [event.type for event in events] == ["transcript.text.delta"] * (len(events) - 1) + ["transcript.text.done"]


def test_the_names_of_a_prompt_are_expected(load: Callable[..., Any], model_folder: Path, speech: bytes) -> None:
    with at_home(load, model=str(model_folder)) as house, asking(house) as client:
        assert transcribe(client, speech, prompt="Ant, Tan").text == "Tan sat"
        assert transcribe(client, speech, prompt="Ant, Tan, Zyntriqix").text == "tan sat"  # which it cannot say
        assert transcribe(client, speech).text == "tan sat"


def test_written_text(load: Callable[..., Any], speech: bytes) -> None:
    def louder(final: Final, before: str = "") -> Written:
        return written(final, tuple(Token(word.text.upper(), at, at + 1) for at, word in enumerate(final.words)))

    with at_home(load, write=louder) as house, asking(house) as client:
        told = transcribe(client, speech, response_format="verbose_json", timestamp_granularities=["word"])
        assert told.text == "TAN SAT"
        assert [word.word for word in told.words] == ["TAN", "SAT"]
        assert told.words[0].start == pytest.approx(0.4, abs=0.25)
        assert "TAN" in transcribe(client, speech, response_format="srt")
        events = list(transcribe(client, speech, stream=True))
        assert "".join(event.delta for event in events[:-1]) == events[-1].text == "TAN SAT"


def test_several_at_once(client: Any, whistle: Callable[..., Any]) -> None:
    words = ["tan", "sat", "nas", "tas", "ant"]
    heard: dict[str, str] = {}

    def ask(word: str) -> None:
        heard[word] = transcribe(client, wav(whistle(f"__{word}____"))).text

    threads = [threading.Thread(target=ask, args=(word,)) for word in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {word: word for word in words}


def test_long_subtitles_hold_up_nobody(
    client: Any, house: House, speech: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def rendered_slowly(*asked: Any) -> tuple[str, str]:
        begun.set()
        go_on.wait(20)
        return rendered(*asked)

    monkeypatch.setattr("asr_app.daemon.openai_transcriptions.rendered", rendered_slowly)
    slow = threading.Thread(target=lambda: transcribe(client, speech, response_format="srt"))
    slow.start()
    assert begun.wait(20)
    began = time.monotonic()
    assert b'{"status":"ok"}' in raw(house, b"GET /health HTTP/1.0\r\n\r\n")
    assert time.monotonic() - began < 10
    go_on.set()
    slow.join()


def test_models_health_and_metrics(client: Any, house: House, speech: bytes) -> None:
    assert [model.id for model in client.models.list()] == ["whistle"]
    assert client.models.retrieve("whistle").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("other")
    transcribe(client, speech)
    assert b'{"status":"ok"}' in raw(house, b"GET /health HTTP/1.0\r\n\r\n")
    metrics = raw(house, f"GET /metrics HTTP/1.0\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()).decode()
    assert 'asr_requests_total{route="/v1/audio/transcriptions",status="200"}' in metrics
    assert "asr_ready 1" in metrics
    assert 'asr_streams{priority="file"} 0' in metrics
    assert "asr_real_time_factor 0." in metrics
    assert "tan" not in metrics


def test_no_key(house: House, speech: bytes) -> None:
    for key in ("wrong", "sesame2", KEY[:-1]):
        stranger = openai.OpenAI(api_key=key, base_url=f"{house.url}/v1", max_retries=0)
        with stranger, pytest.raises(openai.AuthenticationError, match="API key is wrong"):
            transcribe(stranger, speech)
    assert raw(house, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 401")
    assert raw(house, b"GET /health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("options", "status", "param"),
    [
        ({"model": "../../etc/passwd"}, 404, "model"),
        ({"model": "/tmp"}, 404, "model"),
        ({"language": "fr"}, 400, "language"),
        ({"response_format": "diarized_json"}, 400, "response_format"),
        ({"timestamp_granularities": ["letter"]}, 400, "timestamp_granularities"),
    ],
)
def test_what_cannot_be_had(client: Any, speech: bytes, options: dict[str, Any], status: int, param: str) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        transcribe(client, speech, **options)
    assert (caught.value.status_code, caught.value.param) == (status, param)


def test_no_sound(client: Any, uploads: Path) -> None:
    for data in (b"", b"RIFF", b"this is no recording" * 100):
        with pytest.raises(openai.BadRequestError) as caught:
            transcribe(client, data)
        assert str(uploads) not in str(caught.value)
        assert "the upload" in str(caught.value)
    with pytest.raises(openai.APIError, match="the upload is not a recording"):
        list(transcribe(client, b"no recording", stream=True))


def test_too_much(client: Any, house: House) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        transcribe(client, wav(np.zeros(70 * 16_000, np.float32)))
    assert caught.value.status_code == 413
    assert "longer than 60 s" in str(caught.value)
    assert posted(house, b"", length=4_000_000) == 413
    with pytest.raises(openai.APIStatusError, match="more than 3000000 bytes"):
        transcribe(client, b"\0" * 4_000_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("size", [1_000, 500_000])  # the last of a recording is written when it is closed
def test_a_full_disk(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    """Told when the recording is written, and where there is not even room for its folder."""
    body = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(size) + b"\r\n--X--\r\n"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: io.BufferedWriter(io.FileIO("/dev/full", "wb")))
        assert posted(house, body) == 507
    assert "a recording cannot be kept: [Errno 28] No space left on device" in caplog.text
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", "/dev/full")
        assert posted(house, body) == 507
    assert "Traceback" not in caplog.text
    assert posted(house, body) == 400  # no sound, but room


def test_broken_requests(house: House, speech: bytes) -> None:
    assert posted(house, b"{}", "application/json") == 415
    assert posted(house, b"", "multipart/form-data") == 415
    assert posted(house, b"garbage") == 400
    part = b'--X\r\nContent-Disposition: form-data; name="file"; filename="../../../evil"\r\n\r\n'
    assert posted(house, part + speech) == 400  # no last boundary
    assert posted(house, (part + speech + b"\r\n") * 2 + b"--X--\r\n") == 400
    assert posted(house, b'--X\r\nContent-Disposition: form-data; name="file"\r\n\r\n/etc/passwd\r\n--X--\r\n') == 400
    assert posted(house, b"--X\r\n" + b"a" * 20_000 + b": b\r\n\r\n\r\n--X--\r\n") == 400
    model = b'--X\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    assert posted(house, model + part + speech + b"\r\n--X--\r\n") == 200
    assert raw(house, b"\xff\xfe garbage\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert raw(house, f"GET /nothing HTTP/1.0\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()).startswith(
        b"HTTP/1.1 404"
    )


def test_who_hangs_up_is_forgotten(house: House, uploads: Path, whistle: Callable[..., Any]) -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    body += b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    whole = body + wav(whistle(SPEECH * 10)) + b"\r\n--X--\r\n"
    head = (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {len(whole)}\r\n\r\n"
    ).encode()
    for sent in (head[:50], head, head + whole[:3000], head + whole):
        raw(house, sent, reply=False)
    until(lambda: not house.service.recordings.under_way and not list(uploads.iterdir()))


def test_slow_headers(house: House) -> None:
    began = time.monotonic()
    assert raw(house, b"GET /health HTTP/1.1\r\nHost:") == b""
    assert time.monotonic() - began < 15


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300), head=st.sampled_from([b"", b"--X\r\n", b"--X\r\nContent-Disposition: form-data; "])
)
def test_any_body(house: House, body: bytes, head: bytes) -> None:
    assert posted(house, head + body) == 400


def test_too_many(load: Callable[..., Any], whistle: Callable[..., Any]) -> None:
    with at_home(load, uploads=1) as house, asking(house) as client:
        slow = threading.Thread(target=lambda: transcribe(client, wav(whistle(SPEECH * 4))))
        slow.start()
        until(lambda: house.service.recordings.under_way == 1)
        with pytest.raises(openai.RateLimitError, match="no more may be: try again later"):
            transcribe(client, wav(whistle("__tan____")))
        slow.join()
        assert transcribe(client, wav(whistle("__tan____"))).text == "tan"


def test_decode_time_and_a_dead_engine(load: Callable[..., Any], whistle: Callable[..., Any]) -> None:
    with at_home(load, decode_s=0.05) as house, asking(house) as client:
        with pytest.raises(openai.InternalServerError, match="the recording took more than"):
            transcribe(client, wav(whistle(SPEECH * 20)))
        house.service.engine.close()
        assert b'{"status":"failed"}' in raw(house, b"GET /health HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--http", "0.0.0.0:8000"], "open to other machines: give --api-key-file"),
        (["--vosk", "example.org:2700"], "open to other machines: give --api-key-file"),
        (["--http", "here"], "is no address"),
        (["--http", "8000", "--tls-key", "key.pem"], "has no certificate"),
        (["--http", "0.0.0.0:8000", "--api-key-file", "missing"], "cannot be read"),
    ],
)
def test_options_of_the_command(options: list[str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        app(options, standalone_mode=False)


def test_bindings(tmp_path: Path) -> None:
    assert parse_address("8000") == ("127.0.0.1", 8000)
    assert parse_address("[::1]:8000") == ("::1", 8000)
    for wrong in ("", "host", "host:", "host:x", "1.5"):
        with pytest.raises(ConfigError, match="is no address"):
            parse_address(wrong)
    assert Binding("::1").admits(None)
    with pytest.raises(ConfigError, match="open to other machines: give --api-key-file"):
        Binding("0.0.0.0", 80)
    with pytest.raises(ConfigError, match="is no port"):
        Binding(port=70_000)
    bound = Binding("0.0.0.0", 80, api_key=KEY)
    assert bound.admits(f"Bearer {KEY}")
    assert bound.admits(f"bearer {KEY}")
    assert not any(map(bound.admits, (None, "", KEY, "Bearer", "Bearer é", f"Basic {KEY}")))
    assert KEY not in repr(bound)
    (tmp_path / "none.pem").write_text("no certificate")
    for name in ("none.pem", "missing.pem"):
        with pytest.raises(ConfigError, match="name PEM files"):
            _ = Binding(certificate=tmp_path / name).tls
