"""Folders of the transformers library: what is read of them, and what is refused."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from reference_wav2vec2 import COLUMNS, LABELS, SIZES, VOCABULARY, change_json, make, write_folder, write_json

from models.checkpoint import Checkpoint
from models.loading import load_acoustic_model
from models.model_files import file_sha256
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, save_wav2vec2
from models.wav2vec2_huggingface import load_huggingface, read_tensors

SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
ADAPTED = {"eng": VOCABULARY, "fra": VOCABULARY | {"É": 9}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("made"), make("base"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A whole checkpoint that a test may damage."""
    return shutil.copytree(made, tmp_path / "model")


def refusal(folder: Path) -> str:
    """What is said about a bad folder: one line, which names it."""
    with pytest.raises(ValueError, match=r".") as caught:
        load_acoustic_model(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def as_pickle(folder: Path, **options: Any) -> Path:
    """The folder with its weights as older versions of transformers wrote them."""
    weights = safetensors.torch.load_file(folder / SAFE)
    renamed = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in weights.items()
    }
    torch.save(renamed, folder / PICKLED, **options)
    (folder / SAFE).unlink()
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_of_an_older_version(made: Path, folder: Path, zipped: bool) -> None:
    as_pickle(folder, _use_new_zipfile_serialization=zipped)
    samples = torch.randn(1, 2000)
    assert torch.equal(load_huggingface(folder).build()(samples), load_huggingface(made).build()(samples))


def test_the_kind_of_a_folder_is_recognised(made: Path, tmp_path: Path) -> None:
    checkpoint = load_acoustic_model(made)
    assert isinstance(checkpoint, Wav2Vec2Checkpoint)
    assert checkpoint.sha256 == file_sha256(made / SAFE)
    save_wav2vec2(tmp_path / "ours", checkpoint)
    assert isinstance(load_acoustic_model(tmp_path / "ours"), Wav2Vec2Checkpoint)
    shipped = Path(__file__).parents[2] / "asr_app" / "resources" / "english"
    if (shipped / "model.json").is_file():
        assert isinstance(load_acoustic_model(shipped), Checkpoint)
    assert "has no model.json" in refusal(tmp_path)


def test_settings_of_the_feature_extractor(folder: Path) -> None:
    assert load_huggingface(folder).config.normalise_eps == 1e-7
    write_json(folder / "preprocessor_config.json", {"do_normalize": False, "sampling_rate": 8000})
    config = load_huggingface(folder).config
    assert (config.normalise_eps, config.sample_rate) == (None, 8000)
    (folder / "preprocessor_config.json").unlink()
    assert load_huggingface(folder).config.normalise_eps == 1e-7  # the default of transformers
    write_json(folder / "processor_config.json", {"feature_extractor": {"do_normalize": False}})
    assert load_huggingface(folder).config.normalise_eps is None


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json"])
def test_the_tokens_of_blank_and_delimiter_may_have_other_names(folder: Path, name: str) -> None:
    write_json(folder / "vocab.json", {"a": 0, " ": 1, "<blk>": 2, "<s>": 3, "b": 4})
    write_json(folder / name, {"pad_token": {"content": "<blk>"}, "bos_token": "<s>", "word_delimiter_token": " "})
    checkpoint = load_huggingface(folder)
    assert (checkpoint.labels, checkpoint.columns) == (("<blank>", "a", "|", "b"), (2, 0, 1, 4))


def test_letters_are_small_unless_a_language_model_was_made_for_them(folder: Path) -> None:
    assert load_huggingface(folder).labels == LABELS
    (folder / "language_model").mkdir()
    assert load_huggingface(folder).labels == ("<blank>", "|", "A", "B", "'", "C")
    (folder / "language_model").rmdir()
    write_json(folder / "vocab.json", {"[PAD]": 0, "|": 1, "a": 2, "A": 3})
    assert load_huggingface(folder).labels == ("<blank>", "|", "a", "A")  # which are two letters here


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    """A model of two languages: English in its own weights, French beside them."""
    reference = make("adapters")
    folder = write_folder(tmp_path / "adapted", reference, ADAPTED)
    write_json(folder / "tokenizer_config.json", {"target_lang": "eng"})
    torch.manual_seed(3)
    french = {name: torch.randn_like(tensor) for name, tensor in reference.model._get_adapters().items()}
    french |= {"lm_head.weight": torch.randn(10, SIZES["hidden_size"]), "lm_head.bias": torch.randn(10)}
    safetensors.torch.save_file(french, folder / "adapter.fra.safetensors")
    return folder


def test_a_language_has_its_own_adapters_head_and_vocabulary(adapted: Path) -> None:
    samples = torch.randn(1, 2000)
    assert load_huggingface(adapted).labels == LABELS
    french = load_huggingface(adapted, "fra")
    assert (french.labels, french.columns) == ((*LABELS, "é"), (*COLUMNS, 9))
    reference = make("adapters").model
    reference.config.name_or_path = str(adapted)
    reference.load_adapter("fra")
    theirs = reference(samples).logits.log_softmax(-1)
    torch.testing.assert_close(french.build()(samples), theirs, atol=1e-4, rtol=0)


def test_a_language_that_is_not_there(adapted: Path, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no language 'deu': choose one of its 2, such as eng, fra"):
        load_acoustic_model(adapted, "deu")
    (adapted / "adapter.fra.safetensors").unlink()
    with pytest.raises(ValueError, match=r"has no adapter\.fra\.safetensors: fetch it"):
        load_acoustic_model(adapted, "fra")
    with pytest.raises(ValueError, match=r"has no adapter\.fra\.safetensors: fetch it"):
        load_acoustic_model(folder, "fra")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}, "WhisperForConditional"),
        ({"architectures": ["Wav2Vec2ForPreTraining"]}, "Wav2Vec2ForPreTraining is none of Wav2Vec2ForCTC"),
        ({"hidden_size": None}, "config.json lacks 'hidden_size'"),
        ({"hidden_size": "wide"}, "cannot be used|can be used"),
        ({"hidden_size": 16.5}, "hidden_size|divide|describes no network"),
        ({"num_attention_heads": 3}, "do not divide"),
        ({"conv_dim": [8]}, "can be used"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu', and only 'gelu' is supported"),
        ({"add_adapter": True}, "add_adapter is True"),
        ({"adapter_attn_dim": 4}, "without do_stable_layer_norm"),
        ({"num_hidden_layers": 4}, "lacks the tensor 'encoder.transformer.layers.3"),
        ({"intermediate_size": 25}, "has the shape"),
    ],
    ids=str,
)
def test_a_config_that_is_not_of_these_networks(folder: Path, changes: dict[str, Any], said: str) -> None:
    change_json(folder / "config.json", **changes)
    message = refusal(folder)
    assert any(part in message for part in said.split("|")), message


@pytest.mark.parametrize("name", ["config.json", "vocab.json", "preprocessor_config.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000])
def test_files_that_are_no_json(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    assert f"{name} is damaged" in refusal(folder)


@pytest.mark.parametrize(
    ("vocabulary", "said"),
    [
        ({"a": 0, "|": 1}, "no blank '<pad>'"),
        ({"<pad>": 0, "a": 1}, "no word delimiter '|'"),
        ({"<pad>": 0, "|": 1, "a": 9}, "more entries than the 9 outputs"),
        ({"<pad>": 0, "|": 1, "a": 1}, "same number"),
        ({"<pad>": 0, "|": "1"}, "does not say which output"),
        ({}, "no blank"),
    ],
)
def test_a_vocabulary_that_cannot_be_used(folder: Path, vocabulary: dict[str, Any], said: str) -> None:
    write_json(folder / "vocab.json", vocabulary)
    assert said in refusal(folder)


def test_files_that_are_missing(folder: Path) -> None:
    (folder / "vocab.json").rename(folder / "letters.json")
    assert "has no vocab.json" in refusal(folder)
    (folder / "letters.json").rename(folder / "vocab.json")
    (folder / SAFE).unlink()
    assert "neither model.safetensors nor pytorch_model.bin" in refusal(folder)


def test_tensors_that_are_missing_unknown_or_of_another_shape(folder: Path) -> None:
    weights = safetensors.torch.load_file(folder / SAFE)
    bias = "wav2vec2.encoder.layers.1.attention.k_proj.bias"

    def with_weights(changed: dict[str, torch.Tensor]) -> str:
        safetensors.torch.save_file(changed, folder / SAFE)
        return refusal(folder)

    said = with_weights({name: tensor for name, tensor in weights.items() if name != bias})
    assert "lacks the tensor 'encoder.transformer.layers.1.attention.k_proj.bias'" in said
    assert "(5,) instead of (16,)" in with_weights(weights | {bias: torch.zeros(5)})
    assert "has a tensor 'quantizer.codevectors'" in with_weights(weights | {"quantizer.codevectors": torch.zeros(2)})
    assert "lacks the tensor 'aux.bias'" in with_weights(
        {name: tensor for name, tensor in weights.items() if name != "lm_head.bias"}
    )


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_half_written_weights(folder: Path, kept: int) -> None:
    whole = (folder / SAFE).read_bytes()
    (folder / SAFE).write_bytes(whole[:kept])
    assert "is damaged" in refusal(folder)
    (folder / SAFE).write_bytes(whole)
    path = as_pickle(folder) / PICKLED
    path.write_bytes(path.read_bytes()[:kept])
    assert "is cut short, or holds more than tensors" in refusal(folder)


def test_code_in_a_pickle_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    code = f"cos\nmkdir\n(V{victim}\ntR.".encode()  # makes a folder when somebody unpickles it
    path = as_pickle(folder) / PICKLED
    path.write_bytes(code)
    assert "holds more than tensors, which is not loaded" in refusal(folder)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", code)
        archive.writestr("archive/version", "3\n")
    assert "holds more than tensors, which is not loaded" in refusal(folder)
    assert not victim.exists()


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"step": 7}, {"weights": {"a": torch.zeros(2)}}], ids=str)
def test_a_file_without_named_tensors(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "weights.bin")
    with pytest.raises(ValueError, match="holds no tensors by name"):
        read_tensors(tmp_path / "weights.bin")
