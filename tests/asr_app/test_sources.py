"""What `asr models pull` is told to fetch."""

import json
from collections.abc import Iterator
from pathlib import Path

import model_server
import pytest
from model_server import ModelServer

import asr_app.sources
from asr_app.errors import AsrError, CheckpointError, ConfigError
from asr_app.library.https import DownloadError, UnreachableError
from asr_app.library.registry import FileFacts, known_models
from asr_app.sources import TORCHAUDIO, Source, by_hand, find_source, source_in, token_for

COMMIT = "c" * 40
DIGEST = "ab" * 32


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A hub with the repository someone/speech."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    running, stop = model_server.start()
    monkeypatch.setattr(asr_app.sources, "HUB", running.address)
    tell(running, "config.json", "vocab.json", "model.safetensors")
    yield running
    stop()


def tell(hub: ModelServer, *names: str, repository: str = "someone/speech", revision: str = "main") -> None:
    """Let the hub know a repository's files; weights have a SHA-256."""
    siblings = [
        {"rfilename": name, "size": 3, "blobId": "b"}
        | ({"lfs": {"size": 3, "sha256": DIGEST, "pointerSize": 1}} if name.endswith((".safetensors", ".bin")) else {})
        for name in names
    ]
    answer = {"sha": COMMIT, "siblings": siblings}
    hub.files[f"/api/models/{repository}/revision/{revision}?blobs=true"] = json.dumps(answer).encode()


def test_a_repository_is_taken_as_it_is_now(hub: ModelServer) -> None:
    source = find_source("someone/speech")
    assert (source.name, source.address) == ("speech", f"{hub.address}/someone/speech/resolve/{COMMIT}")
    assert source.files == {
        "config.json": FileFacts(3),
        "vocab.json": FileFacts(3),
        "model.safetensors": FileFacts(3, DIGEST),
    }


@pytest.mark.parametrize("what", ["someone/speech@v1.0", "{hub}/someone/speech/tree/v1.0"])
def test_another_revision(hub: ModelServer, what: str) -> None:
    tell(hub, "model.json", "model.safetensors", revision="v1.0")
    assert list(find_source(what.format(hub=hub.address)).files) == ["model.json", "model.safetensors"]


def test_only_what_a_recogniser_is_made_of_is_taken(hub: ModelServer) -> None:
    wanted = ["alphabet.json", "config.json", "vocab.json", "language_model/4-gram.bin", "model.safetensors"]
    others = ["README.md", "run.py", "tf_model.h5", "pytorch_model.bin", "training_args.bin", "adapter.fra.safetensors"]
    evil = ["../config.json", "/config.json", "language_model/../lm.bin", "language_model/.bin", "a\\config.json"]
    tell(hub, *wanted, *others, *evil)
    files = find_source("someone/speech").files
    assert sorted(files) == sorted(wanted)
    assert list(files)[:3] == wanted[:3]


def test_older_weights_are_taken_where_there_are_no_others(hub: ModelServer) -> None:
    tell(hub, "config.json", "pytorch_model.bin")
    assert "pytorch_model.bin" in find_source("someone/speech").files


@pytest.mark.parametrize(
    "names", [[], ["config.json"], ["model.safetensors"], ["config.json", "model-00001.safetensors"]]
)
def test_a_repository_without_a_recogniser(hub: ModelServer, names: list[str]) -> None:
    tell(hub, *names)
    with pytest.raises(CheckpointError, match="someone/speech holds no recogniser"):
        find_source("someone/speech")


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'{"sha": "1", "siblings": [1]}', b'{"sha": "1", "siblings": 5}'])
def test_a_hub_that_says_something_else(hub: ModelServer, answer: bytes) -> None:
    hub.files["/api/models/someone/speech/revision/main?blobs=true"] = answer
    with pytest.raises(DownloadError, match="does not tell the repository's files"):
        find_source("someone/speech")


def test_a_secret_is_for_the_hub(hub: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    find_source("someone/speech")
    assert hub.asked[-1][1]["Authorization"] == "Bearer secret"
    assert token_for(f"{hub.address}/a") == "secret"
    assert token_for(f"{hub.address}0/a") == token_for("https://example.org/a") == ""


def test_a_known_model_needs_no_question(hub: ModelServer) -> None:
    known = known_models()["wav2vec2-base-960h"]
    for what in (known.name, known.hub):
        source = find_source(what)
        assert source.name == known.name
        assert source.address.endswith(f"{known.hub}/resolve/{known.revision}")
        assert source.files == known.files
        assert source.facts["licence"] == "Apache-2.0"
    assert hub.asked == []


def test_a_known_model_whose_files_the_hub_knows(hub: ModelServer) -> None:
    known = known_models()["hubert-large-ls960-ft"]
    tell(hub, "config.json", "pytorch_model.bin", repository=known.hub, revision=known.revision)
    source = find_source(known.name)
    assert source.files["pytorch_model.bin"].sha256 == DIGEST
    assert source.facts["wer"] == known.wer


def test_a_bundle() -> None:
    known = known_models()["torchaudio-voxpopuli-fr"]
    (file,) = known.files
    source = find_source(known.name)
    assert (source.bundle, source.address, source.files) == (known.bundle, TORCHAUDIO, known.files)
    elsewhere = find_source(f"https://example.org/copies/{file}")
    assert (elsewhere.bundle, elsewhere.address) == (known.bundle, "https://example.org/copies")
    assert elsewhere.files == known.files


def test_a_folder_on_a_server(hub: ModelServer) -> None:
    hub.files |= {"/own/model.json": b"{}", "/theirs/config.json": b"{}"}
    own, theirs = (find_source(f"{hub.address}/{name}/") for name in ("own", "theirs"))
    assert (own.name, own.address, own.optional) == ("own", f"{hub.address}/own", True)
    assert {"model.json", "model.safetensors", "lexicon.txt.gz", "lm.bin", "tagger/tagger.json"} <= {*own.files}
    assert {"config.json", "vocab.json", "model.safetensors", "pytorch_model.bin"} <= {*theirs.files}
    with pytest.raises(CheckpointError, match=r"has neither model\.json nor config\.json"):
        find_source(f"{hub.address}/nothing/lies/here")


@pytest.mark.parametrize(
    "what",
    [
        *("english2", "", "a/b/c", "../x", "/etc", "a/b@", "a b/c", "a/b@../c", "http://example.org/a", "ftp://a/b"),
        *("https://example.org/model.pth", "https://example.org/a?b=c", "https://example.org/a#b", "x\n/y"),
    ],
)
def test_what_stands_for_nothing(what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_source(what)
    assert str(caught.value).isprintable()


def test_the_sha256_of_the_weights() -> None:
    files = dict.fromkeys(("config.json", "model.safetensors"), FileFacts(3))
    source = Source("a", "https://example.org", files).with_sha256(DIGEST.upper())
    assert source.files == {"config.json": FileFacts(3), "model.safetensors": FileFacts(3, DIGEST)}
    with pytest.raises(ConfigError, match="is no SHA-256"):
        source.with_sha256("abc")


def test_files_that_the_user_brought(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "notes.py"):
        (tmp_path / name).write_bytes(b"")
    source = source_in(tmp_path, "someone/speech@v1")
    assert (source.name, source.address) == ("speech", str(tmp_path))
    assert source_in(tmp_path, "someone/speech@refs/pr/1").name == "speech"
    assert list(source.files) == ["config.json", "model.safetensors"]
    known = known_models()["wav2vec2-base-960h"]
    assert source_in(tmp_path, known.hub).files == known.files
    with pytest.raises(CheckpointError, match="holds no recogniser"):
        source_in(tmp_path / "empty", "someone/speech")


@pytest.mark.parametrize(
    ("what", "places"),
    [
        ("wav2vec2-base-960h", ["vocab.json", "huggingface.co/facebook/wav2vec2-base-960h/tree/22aad52"]),
        ("torchaudio-wav2vec2-base-960h", ["asr_ls960.pth", "https://download.pytorch.org/torchaudio/models"]),
        ("someone/speech@v1", ["config.json", "https://huggingface.co/someone/speech/tree/v1"]),
        ("https://example.org/speech", ["model.safetensors", "https://example.org/speech"]),
    ],
)
def test_how_files_come_without_a_network(what: str, places: list[str]) -> None:
    said = by_hand(what)
    assert all(place in said for place in places)
    assert f"asr models pull {what} --from FOLDER" in said


def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    running, stop = model_server.start()
    stop()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(asr_app.sources, "HUB", running.address)
    with pytest.raises(UnreachableError) as caught:
        find_source("someone/speech")
    assert isinstance(caught.value, AsrError)
