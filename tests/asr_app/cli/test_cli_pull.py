"""`asr models pull` and what becomes of a pulled model, from the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import model_server
import pytest
from model_server import ModelServer

import asr_app.library.download
from asr_app.audio.types import Samples
from asr_app.errors import AsrError, CheckpointError, ConfigError
from asr_app.library.https import DownloadError
from asr_app.library.models import models_folder
from models.model_files import file_sha256

Asr = Callable[..., Any]


@pytest.fixture
def server(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A server with the whistle recogniser."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(asr_app.library.download, "PAUSE_S", 0.0)
    running, stop = model_server.start()
    running.files = {f"/whistle/{path.name}": path.read_bytes() for path in model_folder.iterdir()}
    yield running
    stop()


def listed(asr: Asr) -> dict[str, list[str]]:
    """The lines of `asr models list`, by name."""
    done = asr("models", "list")
    assert (done.code, done.err) == (0, "")
    return {line.split()[0]: line.split()[1:] for line in done.out.splitlines()[1:]}


def complaint(done: Any, kind: type[AsrError]) -> str:
    assert done.code == kind.exit_code
    assert done.out == ""
    return str(done.complaint)


def test_a_pulled_model_is_one_like_others(
    asr: Asr, server: ModelServer, model_folder: Path, store: Callable[..., Path], whistle: Callable[..., Samples]
) -> None:
    digest = file_sha256(model_folder / "model.safetensors")
    done = asr("models", "pull", f"{server.address}/whistle", "--sha256", digest)
    assert done.code == 0
    assert f"{digest}  model.safetensors\n" in done.out
    assert done.out.endswith(f"whistle is in {models_folder() / 'whistle'}: choose it with --model whistle\n")
    assert re.search(r"^model\.safetensors: .* MB of .* MB$", done.err, re.MULTILINE)
    assert listed(asr)["whistle"][0] == "installed"
    info = json.loads(asr("models", "info", "whistle").out)
    assert info["address"] == f"{server.address}/whistle"
    assert info["provenance"]["data"] == "whistled words"
    recording = store("a.flac", whistle("tan_sat"))
    assert (
        asr("transcribe", "--model", "whistle", recording).out
        == asr("transcribe", "--model", model_folder, recording).out
    )

    assert asr("models", "verify", "whistle").out.endswith("4 files are as they were pulled\n")
    (models_folder() / "whistle" / "lm.bin").write_bytes(b"")
    said = complaint(asr("models", "verify", "whistle"), CheckpointError)
    assert "lm.bin is not as it was pulled: `asr models remove whistle`, then pull it again" in said

    assert "say --yes" in complaint(asr("models", "remove", "whistle"), ConfigError)
    assert asr("models", "remove", "whistle", "--yes").code == 0
    assert "whistle" not in listed(asr)
    assert complaint(asr("transcribe", "--model", "whistle", recording), CheckpointError)


def test_wrong_weights_are_not_installed(asr: Asr, server: ModelServer) -> None:
    done = asr("models", "pull", f"{server.address}/whistle", "--sha256", "0" * 64)
    assert done.code == DownloadError.exit_code
    assert f"instead of {'0' * 64}" in done.err.splitlines()[-1]
    assert "whistle" not in listed(asr)


def test_without_a_network(asr: Asr, server: ModelServer, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stop = model_server.start()
    stop()
    monkeypatch.setattr("asr_app.sources.HUB", gone.address)
    said = complaint(asr("models", "pull", "wav2vec2-base-960h"), DownloadError)
    assert "127.0.0.1 cannot be reached" in said
    assert "fetch config.json, " in said
    assert f"from {gone.address}/facebook/wav2vec2-base-960h/tree/22aad52" in said
    assert "asr models pull wav2vec2-base-960h --from FOLDER` checks and installs them" in said
    done = asr("models", "pull", "someone/whistle", "--from", model_folder)
    assert done.code == 0
    assert listed(asr)["whistle"][0] == "installed"
    said = complaint(asr("models", "pull", "a/b", "--from", model_folder / "lm.bin"), ConfigError)
    assert "is no folder" in said


def test_the_models_that_are_known(asr: Asr, server: ModelServer) -> None:
    table = listed(asr)
    assert table["wav2vec2-base-960h"] == ["known", "378", "en", "Apache-2.0", "3.4", "/", "8.6"]
    assert table["torchaudio-voxpopuli-de"][-2:] == ["CC-BY-NC-4.0", "-"]
    facts = json.loads(asr("models", "info", "wav2vec2-base-960h").out)
    assert facts["state"] == "not here: asr models pull wav2vec2-base-960h"
    assert facts["wer"] == {"LibriSpeech test-clean": 3.4, "LibriSpeech test-other": 8.6}


def test_what_ships_is_whole_and_stays(asr: Asr, server: ModelServer, model_folder: Path) -> None:
    assert asr("models", "verify", model_folder).out == f"{model_folder}: the network is whole\n"
    assert "ships with the program: it stays" in complaint(asr("models", "remove", "english", "--yes"), ConfigError)


RUN = """
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
import asr_app.cli.main
sys.argv = ["asr", "models", "pull", sys.argv[1]]
asr_app.cli.main.main()
"""


def test_a_pull_that_is_stopped_goes_on(asr: Asr, server: ModelServer) -> None:
    weights = "/whistle/model.safetensors"
    half = len(server.files[weights]) // 2
    server.manners[weights] = model_server.pauses(at=half)
    command = [sys.executable, "-c", RUN, f"{server.address}/whistle"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    partial = models_folder() / ".pulling" / "whistle" / "files" / "model.safetensors.part"
    while not (partial.is_file() and partial.stat().st_size):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped: the same command goes on from here"
    assert "whistle" not in listed(asr)
    here = partial.stat().st_size
    server.manners.clear()
    server.asked.clear()
    assert asr("models", "pull", f"{server.address}/whistle").code == 0
    assert ("/whistle/model.safetensors", f"bytes={here}-") in [
        (path, headers["Range"]) for path, headers in server.asked
    ]
    assert asr("models", "verify", "whistle").code == 0
