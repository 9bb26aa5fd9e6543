"""Clients that do as they should not: frames of chance, and connections broken off."""

import base64
import json
import os
import random
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from serving import realtime_events, transcription

Address = int | Path
"""A port of this machine, or a Unix socket."""

Dial = Callable[[], socket.socket]

_MASK = b"\1\2\3\4"
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def dial(address: Address) -> socket.socket:
    """A plain connection."""
    if isinstance(address, Path):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(10)
        line.connect(str(address))
        return line
    return socket.create_connection(("127.0.0.1", address), timeout=10)


def upgrade(path: str) -> bytes:
    """The request that makes a WebSocket of a connection."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    ).encode()


def upgraded(port: int, path: str = "/") -> socket.socket:
    """A WebSocket on which frames are written by hand."""
    line = dial(port)
    line.sendall(upgrade(path))
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = line.recv(4096)
        assert more, answer
        answer += more
    assert b" 101 " in answer, answer
    return line


def frame(payload: bytes, opcode: int = 2, first_bits: int = 8, size: int | None = None, masked: bool = True) -> bytes:
    """A frame of RFC 6455; first_bits: FIN and the reserved bits; size: what it claims to hold."""
    size = len(payload) if size is None else size
    bit = 0x80 if masked else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 1 << 16:
        length = struct.pack(">BH", bit | 126, size)
    else:
        length = struct.pack(">BQ", bit | 127, size)
    body = bytes(byte ^ _MASK[at % 4] for at, byte in enumerate(payload))
    return bytes([first_bits << 4 | opcode]) + length + (_MASK + body if masked else payload)


def message(data: object, payload: bytes = b"", **header: object) -> bytes:
    """A Wyoming message whose header may lie."""
    body = json.dumps(data).encode()
    told = {"type": "ping", "data_length": len(body), "payload_length": len(payload), **header}
    return json.dumps(told).encode() + b"\n" + body + payload


_WORDS = st.sampled_from(["config", "eof", "reset", "sample_rate", "words", "max_alternatives", "phrase_list"])
_REQUESTS = st.dictionaries(_WORDS, _JSON | st.dictionaries(_WORDS, _JSON, max_size=3), max_size=3)
_TEXTS = st.builds(lambda request: json.dumps(request).encode(), _REQUESTS | _JSON) | st.binary(max_size=40)

_ODD_FRAMES = st.builds(
    frame,
    st.binary(max_size=200),
    st.integers(0, 15),
    st.integers(0, 15),
    st.none() | st.integers(0, 2**63 - 1),
    st.booleans(),
)
vosk_frames = st.one_of(
    st.builds(frame, st.binary(max_size=400)),
    st.builds(frame, _TEXTS, st.just(1)),
    _ODD_FRAMES,
    st.binary(max_size=60),
)

_BASE64 = st.builds(lambda data: base64.b64encode(data).decode(), st.binary(max_size=400))
_SESSIONS = st.recursive(
    _JSON,
    lambda inner: st.dictionaries(
        st.sampled_from(["type", "audio", "input", "format", "transcription", "turn_detection", "model", "prompt"]),
        inner | st.sampled_from(["transcription", "server_vad", "audio/pcm", "audio/pcmu"]),
        max_size=4,
    ),
    max_leaves=6,
)
_KINDS = st.sampled_from(
    ["session.update", "transcription_session.update"]
    + [f"input_audio_buffer.{what}" for what in ("append", "commit", "clear")]
)
realtime_frames = st.one_of(
    st.builds(
        lambda kind, audio, session: frame(
            json.dumps({"type": kind, "audio": audio, "session": session}).encode(), opcode=1
        ),
        _KINDS | _JSON,
        _BASE64 | _JSON,
        _SESSIONS,
    ),
    st.builds(frame, _TEXTS, st.just(1)),
    _ODD_FRAMES,
    st.binary(max_size=60),
)

_HEADS = st.sampled_from(
    [
        b"",
        b"--X\r\n",
        b"--X\r\nContent-Disposition: form-data; ",
        b'--X\r\nContent-Disposition: form-data; name="file"; ',
    ]
)
_PARTS = st.builds(
    lambda name, extra, value: (
        f'--X\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode(errors="replace")
        + value
        + b"\r\n"
    ),
    st.sampled_from(["file", "model", "prompt", "stream", "language", "response_format", "timestamp_granularities[]"])
    | st.text(max_size=10),
    st.sampled_from(["", '; filename="a"', '; filename="../../a"']),
    st.sampled_from([b"whisper-1", b"true", b"en", b"srt"]) | st.binary(max_size=200),
)
_BODIES = st.builds(
    lambda parts, end: b"".join(parts) + end, st.lists(_PARTS, max_size=4), st.sampled_from([b"--X--\r\n", b""])
) | st.builds(lambda head, rest: head + rest, _HEADS, st.binary(max_size=300))


def post(body: bytes, headers: dict[str, str], length: object = None) -> bytes:
    """A request to transcribe; length: what it claims to hold."""
    told = {**headers, "Host": "127.0.0.1", "Content-Length": len(body) if length is None else length}
    lines = [f"{name}: {value}" for name, value in told.items()]
    return "\r\n".join(["POST /v1/audio/transcriptions HTTP/1.1", *lines, "", ""]).encode() + body


rest_requests = st.one_of(
    st.builds(lambda body: post(body, {"Content-Type": "multipart/form-data; boundary=X"}), _BODIES),
    st.builds(
        lambda body, kind, length: post(body, {"Content-Type": kind}, length),
        _BODIES,
        st.sampled_from(["multipart/form-data", "multipart/form-data; boundary=", "application/json", "\0"]),
        st.none() | st.integers(-10, 2**70),
    ),
    st.binary(max_size=60),
)

_TYPES = st.sampled_from(["describe", "transcribe", "audio-start", "audio-chunk", "audio-stop", "ping", "error"])
_FORMS = st.fixed_dictionaries(
    {"rate": st.sampled_from([16_000, 8_000, 0, -1, 10**9]), "width": st.integers(1, 3), "channels": st.integers(0, 3)}
)
wyoming_frames = st.one_of(
    st.builds(
        lambda kind, data, payload: message(data, payload, type=kind),
        _TYPES,
        _FORMS | st.just({"rate": 16_000, "width": 2, "channels": 1}) | _JSON,
        st.binary(max_size=400),
    ),
    st.builds(
        lambda kind, data, size: message(data, type=kind, data_length=size, payload_length=size),
        _TYPES | _JSON,
        _JSON,
        st.integers(-(2**70), 2**70) | _JSON,
    ),
    st.builds(lambda value: json.dumps(value).encode() + b"\n", _JSON),
    st.binary(max_size=60),
)

_COMMANDS = st.sampled_from(["status", "subscribe", "start", "stop", "toggle", "cancel"]) | _JSON
control_frames = st.one_of(
    st.builds(lambda command, rest: json.dumps({**rest, "command": command}).encode() + b"\n", _COMMANDS,
              st.dictionaries(st.text(max_size=8), _JSON, max_size=2)),
    st.builds(lambda value: json.dumps(value).encode() + b"\n", _JSON),
    st.binary(max_size=60),
)  # fmt: skip


def throw(line: socket.socket, frames: list[bytes]) -> None:
    """Send frames and hang up, however the other side takes it."""
    with line:
        try:
            for one in frames:
                line.sendall(one)
            line.shutdown(socket.SHUT_WR)
            line.settimeout(2)
            while line.recv(65_536):
                pass
        except OSError:  # the other side hung up, as it may
            pass


def _reset(line: socket.socket) -> None:
    """Hang up as a client does that was killed with a full line: nothing more is said, not even goodbye."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def _broken_off(line: socket.socket, sent: bytes, chance: random.Random) -> None:
    """Send up to some point, and break off one of four ways."""
    try:
        line.sendall(sent[: chance.randrange(len(sent) + 1)])
        how = chance.randrange(4)
        if how == 0:
            line.sendall(os.urandom(chance.randrange(1, 300)))
        if how == 1:
            line.shutdown(socket.SHUT_WR)
            line.settimeout(0.2)
            line.recv(4096)
        if how == 2:
            _reset(line)
    except OSError:
        pass
    finally:
        line.close()


def misuse_vosk(port: int, sound: bytes, chance: random.Random) -> None:
    """A Vosk client broken off anywhere, in its handshake, too."""
    if chance.random() < 0.2:
        _broken_off(dial(port), b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\r\n", chance)
        return
    parts = [frame(b'{"config": {"sample_rate": 16000}}', 1)]
    parts += [frame(sound[at : at + 6400]) for at in range(0, len(sound), 6400)]
    parts += [frame(b'{"eof": 1}', 1)]
    _broken_off(upgraded(port), b"".join(parts), chance)


def misuse_wyoming(address: Address, sound: bytes, chance: random.Random) -> None:
    """A Wyoming client broken off anywhere."""
    form = {"rate": 16_000, "width": 2, "channels": 1}
    parts = [message({}, type="describe"), message(form, type="audio-start")]
    parts += [message(form, sound[at : at + 2048], type="audio-chunk") for at in range(0, len(sound), 2048)]
    parts += [message({}, type="audio-stop")]
    _broken_off(dial(address), b"".join(parts), chance)


def misuse_control(path: Path, chance: random.Random) -> None:
    """A client of the control socket broken off anywhere."""
    _broken_off(dial(path), b'{"command": "status"}\n{"command": "subscribe"}\n', chance)


def misuse_rest(port: int, sound: bytes, chance: random.Random) -> None:
    """A client with a recording broken off anywhere."""
    headers, body = transcription(sound)
    _broken_off(dial(port), post(body, headers), chance)


def misuse_realtime(port: int, sound: bytes, chance: random.Random) -> None:
    """A realtime client broken off anywhere; sound: of 24,000 Hz."""
    frames = [frame(event.encode(), opcode=1) for event in realtime_events(sound)]
    _broken_off(upgraded(port, "/v1/realtime?intent=transcription"), b"".join(frames), chance)
