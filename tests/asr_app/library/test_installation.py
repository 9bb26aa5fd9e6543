"""A model is installed whole or not at all, and stays as it was."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import model_server
import pytest
import torch
from model_server import ModelServer
from safetensors.torch import save

import asr_app.library.download
from asr_app.errors import AsrError, CheckpointError, ConfigError, OutputError
from asr_app.library.download import download
from asr_app.library.https import BrokenError, DownloadError, MissingError
from asr_app.library.installation import RECORD, changed_files, copy_from, pull, read_record, remove
from asr_app.library.models import find_model, installed_models, models_folder
from asr_app.library.registry import FileFacts
from asr_app.sources import Source
from models.loading import load_acoustic_model
from models.torchaudio_compat import import_torchaudio
from models.wav2vec2 import Wav2Vec2
from models.wav2vec2_config import Wav2Vec2Config
from models.wav2vec2_torchaudio import load_bundle

BUNDLE = "WAV2VEC2_ASR_BASE_10M"
SIZES = {"conv_dim": [8, 12], "conv_kernel": [10, 3], "conv_stride": [5, 2]}
CONFIG = SIZES | {
    "model_type": "wav2vec2",
    "architectures": ["Wav2Vec2ForCTC"],
    "vocab_size": 6,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_bias": False,
    "feat_extract_norm": "group",
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
VOCABULARY = {"<pad>": 0, "|": 1, "a": 2, "b": 3, "c": 4, "d": 5}
NAMES = ("config.json", "vocab.json", "model.safetensors")


@pytest.fixture(scope="session")
def files() -> dict[str, bytes]:
    """A small checkpoint as the transformers library would have written it."""
    config = Wav2Vec2Config(
        outputs=6,
        dim=16,
        layers=1,
        heads=2,
        feed_forward=16,
        convolutions=((8, 10, 5), (12, 3, 2)),
        convolution_bias=False,
        feature_norm="group",
        norm_first=False,
        position_kernel=4,
        position_groups=2,
        normalise_eps=1e-7,
        sample_rate=16_000,
    )
    torch.manual_seed(1)

    weights = save({name: tensor.contiguous() for name, tensor in Wav2Vec2(config).state_dict().items()})
    described = {"config.json": json.dumps(CONFIG).encode(), "vocab.json": json.dumps(VOCABULARY).encode()}
    return {**described, "model.safetensors": weights}


@pytest.fixture
def server(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(asr_app.library.download, "PAUSE_S", 0.0)
    running, stop = model_server.start()
    running.files = {f"/{name}": content for name, content in files.items()}
    yield running
    stop()


@pytest.fixture
def source(server: ModelServer) -> Source:
    return Source("speech", server.address, dict.fromkeys(NAMES, FileFacts()), facts={"language": "en"})


def bring(source: Source, path: str, target: Path) -> str:
    return download(f"{source.address}/{path}", target, source.files[path], lambda *_: None)


def refused(source: Source, kind: type[AsrError]) -> str:
    """What is said where there is no model, which is then nowhere."""
    with pytest.raises(kind) as caught:
        pull(source, bring)
    assert installed_models() == []
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_model_is_pulled(source: Source, files: dict[str, bytes]) -> None:
    folder = pull(source, bring)
    assert folder == find_model("speech") == models_folder() / "speech"
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != RECORD} == files
    record = read_record(folder)
    assert (record["address"], record["language"]) == (source.address, "en")
    assert {*record["files"]} == {*record["fetched"]} == {*NAMES}
    assert load_acoustic_model(folder).labels == ("<blank>", "|", "a", "b", "c", "d")
    assert changed_files(folder, record) == {}
    assert [path.suffix for path in (models_folder() / ".pulling").iterdir()] == [".lock"]


def test_a_pull_that_failed_goes_on(source: Source, server: ModelServer) -> None:
    server.manners["/model.safetensors"] = model_server.cuts(100, times=1)
    server.manners["/vocab.json"] = model_server.status(500, times=5)
    refused(source, BrokenError)
    pull(source, bring)
    assert server.paths().count("/config.json") == 1
    assert installed_models() == ["speech"]


def test_files_of_two_models_do_not_mix(source: Source, server: ModelServer) -> None:
    server.manners["/model.safetensors"] = model_server.status(404)
    refused(source, MissingError)
    del server.manners["/model.safetensors"]
    elsewhere = replace(source, address=f"{source.address}/elsewhere")
    server.files |= {f"/elsewhere{path}": content for path, content in server.files.items()}
    pull(elsewhere, bring)
    assert server.paths().count("/elsewhere/config.json") == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.safetensors", b"no tensors", "is damaged"),
        ("vocab.json", b"{", "is damaged"),
        ("config.json", b"{}", "holds no recogniser that can be used"),
        ("config.json", json.dumps(CONFIG | {"hidden_size": 32}).encode(), "has the shape"),
    ],
)
def test_what_cannot_be_read_is_not_installed(
    source: Source, server: ModelServer, files: dict[str, bytes], name: str, content: bytes, said: str
) -> None:
    server.files[f"/{name}"] = content
    assert said in refused(source, CheckpointError)
    server.files[f"/{name}"] = files[name]
    pull(source, bring)
    assert installed_models() == ["speech"]


def test_another_kind_of_network_is_told_before_its_weights_are_fetched(source: Source, server: ModelServer) -> None:
    kind = "WhisperForConditionalGeneration"
    server.files["/config.json"] = json.dumps({"architectures": [kind]}).encode()
    assert f"{kind} is none of Wav2Vec2ForCTC" in refused(source, CheckpointError)
    assert "/model.safetensors" not in server.paths()


def test_weights_that_hold_code_are_not_installed(source: Source, server: ModelServer, tmp_path: Path) -> None:
    torch.save({"weight": Path("a")}, tmp_path / "weights")
    server.files["/pytorch_model.bin"] = (tmp_path / "weights").read_bytes()
    older = replace(source, files=dict.fromkeys((*NAMES[:2], "pytorch_model.bin"), FileFacts()))
    assert "holds more than tensors, which is not loaded" in refused(older, CheckpointError)


def test_of_a_folder_that_cannot_be_listed_what_is_there_is_taken(source: Source, server: ModelServer) -> None:
    names = ("config.json", "tokenizer_config.json", "vocab.json", "model.safetensors", "pytorch_model.bin")
    pull(replace(source, files=dict.fromkeys(names, FileFacts()), optional=True), bring)
    assert {*read_record(find_model("speech"))["files"]} == {*NAMES}
    assert "/pytorch_model.bin" not in server.paths()


@pytest.mark.parametrize("name", ["english", "", "..", ".hidden", "a/b", "a b", "x" * 101])
def test_a_name_that_cannot_be_taken(source: Source, name: str) -> None:
    assert "--name" in refused(replace(source, name=name), ConfigError)


def test_a_model_is_not_overwritten(source: Source) -> None:
    pull(source, bring)
    with pytest.raises(ConfigError, match="is there already"):
        pull(source, bring)
    pull(replace(source, name="again"), bring)
    assert installed_models() == ["again", "speech"]


def test_one_process_pulls_a_model_at_a_time(source: Source) -> None:
    def meanwhile(source: Source, path: str, target: Path) -> str:
        with pytest.raises(ConfigError, match="another process pulls speech"):
            pull(source, bring)
        return bring(source, path, target)

    pull(source, meanwhile)


def test_a_full_disk_is_told_before_anything_is_fetched(source: Source, server: ModelServer) -> None:
    huge = replace(source, files=source.files | {"model.safetensors": FileFacts(10**18)})
    assert "make room on the disk" in refused(huge, OutputError)
    assert server.asked == []


@pytest.fixture
def bundle_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights of a bundle that was made narrow, so that its file is small."""
    pipelines = import_torchaudio().pipelines
    published = getattr(pipelines, BUNDLE)
    sizes = {
        "extractor_conv_layer_config": [(4, 10, 5), (4, 3, 2)],
        "encoder_embed_dim": 32,
        "encoder_num_layers": 1,
        "encoder_num_heads": 4,
        "encoder_ff_interm_features": 8,
    }
    monkeypatch.setattr(pipelines, BUNDLE, replace(published, _params=published._params | sizes))
    path = tmp_path / published._path
    with monkeypatch.context() as patch:  # only to learn the sizes of the network
        patch.setattr("models.wav2vec2_torchaudio.check_network", lambda *_: None)
        torch.save({}, path)
        config = load_bundle(BUNDLE, path).config
    weights = Wav2Vec2(config).state_dict()
    rows = published._remove_aux_axis
    for name in ("aux.weight", "aux.bias"):
        for row in sorted(rows):
            head = weights[name]
            weights[name] = torch.cat([head[:row], torch.zeros_like(head[:1]), head[row:]])
    torch.save(weights, path)
    return path


def test_a_bundle_becomes_a_folder_like_others(server: ModelServer, bundle_file: Path) -> None:
    server.files[f"/{bundle_file.name}"] = bundle_file.read_bytes()
    folder = pull(Source("base", server.address, {bundle_file.name: FileFacts()}, bundle=BUNDLE), bring)
    expected, found = load_bundle(BUNDLE, bundle_file), load_acoustic_model(folder)
    assert found.provenance == {"torchaudio": BUNDLE}
    assert (asdict(found.config), found.labels) == (asdict(expected.config), expected.labels)
    assert all(torch.equal(found.weights[name], tensor) for name, tensor in expected.weights.items())
    record = read_record(folder)
    assert [*record["fetched"]] == [bundle_file.name]
    assert {*record["files"]} == {path.name for path in folder.iterdir()} - {RECORD}


def test_a_bundle_with_other_weights(server: ModelServer, bundle_file: Path) -> None:
    torch.save({"aux.bias": torch.zeros(32)}, bundle_file)
    server.files[f"/{bundle_file.name}"] = bundle_file.read_bytes()
    source = Source("base", server.address, {bundle_file.name: FileFacts()}, bundle=BUNDLE)
    assert "lacks the tensor" in refused(source, CheckpointError)


def test_files_that_the_user_brought(source: Source, files: dict[str, bytes], tmp_path: Path) -> None:
    brought = replace(source, address=str(tmp_path / "brought"))
    (tmp_path / "brought").mkdir()
    with pytest.raises(ConfigError, match=r"there is no .*config\.json: fetch it, too"):
        pull(brought, copy_from)
    for name, content in files.items():
        (tmp_path / "brought" / name).write_bytes(content)
    with pytest.raises(DownloadError, match="is not the file that is known"):
        pull(brought.with_sha256("0" * 64), copy_from)
    assert installed_models() == []
    folder = pull(brought, copy_from)
    assert {path.name for path in folder.iterdir()} == {*files, RECORD}


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"x")])
def test_a_file_that_has_changed(source: Source, damage: Callable[[Path], object]) -> None:
    folder = pull(source, bring)
    damage(folder / "vocab.json")
    assert [*changed_files(folder, read_record(folder))] == ["vocab.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"files": 5}', "null"])
def test_a_damaged_record(source: Source, content: str) -> None:
    folder = pull(source, bring)
    (folder / RECORD).write_text(content)
    with pytest.raises(CheckpointError, match=r"pulled\.json is damaged"):
        read_record(folder)


def test_a_model_that_was_not_pulled_has_no_record(tmp_path: Path) -> None:
    assert read_record(tmp_path) == {}


def test_removal(source: Source) -> None:
    folder = pull(source, bring)
    shutil.copytree(folder, models_folder() / ".removed-speech")  # of a removal that was stopped
    remove("speech")
    assert installed_models() == []
    assert [path.name for path in models_folder().iterdir()] == [".pulling"]


@pytest.mark.parametrize(
    ("name", "said"), [("english", "ships with the program"), ("speech", "was pulled"), ("..", "was pulled")]
)
def test_what_was_not_pulled_is_not_removed(server: ModelServer, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        remove(name)
