"""All servers behind a certificate: they speak TLS, and nothing else."""

import json
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path

import hostile
import pytest
import serving
from serving import House, pcm
from websockets.sync.client import connect

from asr_app.audio.types import Samples
from asr_app.daemon.listening import Binding

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")
open_house = serving.open_house


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine, its key in the same file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {path} -out {path}.crt"
    subprocess.run(command.split(), capture_output=True, check=True)
    with path.open("a") as both:
        both.write(Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def house(open_house: Callable[..., House], certificate: Path) -> Iterator[House]:
    with open_house(Binding(certificate=certificate, api_key="sesame")) as house:
        yield house


def test_every_server(house: House, certificate: Path, whistle: Callable[..., Samples]) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    key = {"Authorization": "Bearer sesame"}
    headers, body = serving.transcription(pcm(whistle("__tan____")))
    client = HTTPSConnection("127.0.0.1", house.http_port, timeout=60, context=trusting)
    client.request("POST", "/v1/audio/transcriptions", body, headers | key)
    assert json.loads(client.getresponse().read())["text"] == "tan"
    client.close()
    for port, path in ((house.vosk_port, ""), (house.http_port, "v1/realtime?intent=transcription")):
        url = f"wss://127.0.0.1:{port}/{path}"
        with connect(url, ssl=trusting, additional_headers=key, proxy=None) as socket:
            socket.send(bytes(3200))  # of which the realtime server says that it is no event
            assert isinstance(json.loads(socket.recv(60)), dict)
    with (
        hostile.dial(house.wyoming_port) as plain,
        trusting.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        line.sendall(hostile.message({}))
        assert b"pong" in line.recv(200)
        assert line.version() in ("TLSv1.2", "TLSv1.3")


def test_who_speaks_no_tls_is_hung_up_on(house: House) -> None:
    for port in (house.http_port, house.vosk_port, house.wyoming_port):
        with hostile.dial(port) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            with suppress(ConnectionResetError):
                assert b"200" not in line.recv(100)
