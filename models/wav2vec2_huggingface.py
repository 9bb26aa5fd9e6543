"""Folders of the transformers library: config.json, vocab.json, preprocessor_config.json and weights, as ours.

Wav2Vec2ForCTC (MMS with its language adapters, too), HubertForCTC, WavLMForCTC and Data2VecAudioForCTC.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from models.checkpoint import DESCRIPTION
from models.model_files import file_sha256
from models.wav2vec2_checkpoint import Wav2Vec2Checkpoint, check_network
from models.wav2vec2_config import Convolution, Wav2Vec2Config
from models.wav2vec2_vocabulary import Vocabulary, in_small_letters, vocabulary

CONFIG, VOCABULARY, LANGUAGE_MODEL = "config.json", "vocab.json", "language_model"
ARCHITECTURES = {
    "wav2vec2": "Wav2Vec2ForCTC",
    "hubert": "HubertForCTC",
    "wavlm": "WavLMForCTC",
    "data2vec-audio": "Data2VecAudioForCTC",
}

_REFUSED: Mapping[str, Any] = {
    "add_adapter": False,
    "conv_pos_batch_norm": False,
    "feat_extract_activation": "gelu",
    "feat_proj_layer_norm": True,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
}
"""Settings of which all published recognisers have this value; others are refused, not ignored."""

_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")
_USUAL_SPECIAL = ("<s>", "</s>", "<unk>", "[UNK]")
_USUAL_BLANKS = ("<pad>", "[PAD]")

_RENAMED = (
    (r"^(wav2vec2|hubert|wavlm|data2vec_audio)\.", ""),
    (r"^lm_head\.", "aux."),
    (r"^feature_projection\.", "encoder.feature_projection."),
    (r"^encoder\.(?=layers|layer_norm|pos_conv_embed)", "encoder.transformer."),
    (r"(?<=pos_conv_embed\.layers\.)(\d+)\.conv\.", r"\1."),
    (r"^encoder\.transformer\.layers\.(\d+)\.adapter_layer\.", r"adapters.\1."),
    (r"\.weight_g$", ".parametrizations.weight.original0"),
    (r"\.weight_v$", ".parametrizations.weight.original1"),
)
_TRAINING_ONLY = ("masked_spec_embed",)


def load_huggingface(folder: Path, language: str | None = None) -> Wav2Vec2Checkpoint:
    """Read and verify a folder; ValueError says in one line what is wrong with it.

    language: of the adapters and the vocabulary, where the folder has several; None takes the one that it names.
    """
    config = _read_json(folder / CONFIG)
    tokenizer = _read_json(folder / "special_tokens_map.json", {}) | _read_json(folder / "tokenizer_config.json", {})
    own_language = tokenizer.get("target_lang")
    tokens = _tokens(folder / VOCABULARY, language or own_language)
    path = _weights_path(folder)
    weights = read_tensors(path) | _adapter(folder, language, own_language)
    if config.get("model_type") == "wavlm":
        weights = _joined_projections(weights)
    weights, extractor = torchaudio_names(weights), _feature_extractor(folder)
    try:
        outputs = len(weights["aux.bias"]) if "aux.bias" in weights else config["vocab_size"]
        sizes = _sizes(config, extractor, outputs)
        labels, columns = _vocabulary(tokens, tokenizer, sizes.outputs)
    except (KeyError, TypeError, ValueError) as error:
        missing = f"{CONFIG} lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{folder} holds no recogniser that can be used ({missing}): choose another model") from error
    check_network(sizes, weights, path)
    if not (folder / LANGUAGE_MODEL).is_dir():  # which was made for the letters as they are
        labels = in_small_letters(labels)
    return Wav2Vec2Checkpoint(sizes, labels, columns, weights, sha256=file_sha256(path))


def is_pretrained(folder: Path) -> bool:
    """Whether a folder holds a network of the family without a CTC head, as pre-training leaves it."""
    if not (folder / CONFIG).is_file() or (folder / DESCRIPTION).is_file():
        return False
    architectures = _read_json(folder / CONFIG).get("architectures") or [""]
    return not str(architectures[0]).endswith("ForCTC")


def load_pretrained(folder: Path, labels: tuple[str, ...]) -> Wav2Vec2Checkpoint:
    """Such a folder, with a head for labels, the blank first, that is all zero; ValueError as of load_huggingface."""
    config = _read_json(folder / CONFIG)
    path = _weights_path(folder)
    weights = read_tensors(path)
    if config.get("model_type") == "wavlm":
        weights = _joined_projections(weights)
    weights = {
        name: tensor
        for name, tensor in torchaudio_names(weights).items()
        if name.startswith(("feature_extractor.", "encoder."))  # not what the pre-training compared with
    }
    try:
        sizes = _sizes({**config, "architectures": None}, _feature_extractor(folder), len(labels))
    except (KeyError, TypeError, ValueError) as error:
        missing = f"{CONFIG} lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{folder} holds no network that can be used ({missing}): choose another model") from error
    weights |= {"aux.weight": torch.zeros(len(labels), sizes.dim), "aux.bias": torch.zeros(len(labels))}
    check_network(sizes, weights, path)
    return Wav2Vec2Checkpoint(sizes, labels, tuple(range(len(labels))), weights, sha256=file_sha256(path))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of one of torch.save; nothing in it is run. ValueError in one line."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"there is no {path}: fetch the model again") from None
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): fetch the model again") from error
    except Exception as error:  # what torch raises for files that are cut, or that hold code, has no common class
        raise ValueError(
            f"{path} is cut short, or holds more than tensors, which is not loaded: "
            "fetch the model again, as safetensors if there is such a file"
        ) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(one, Tensor) for name, one in tensors.items()
    ):
        raise ValueError(f"{path} holds no tensors by name: choose another file")
    return tensors


def torchaudio_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by their names in torchaudio's modules, without those that only training needs."""
    renamed = {}
    for name, tensor in weights.items():
        for pattern, replacement in _RENAMED:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    return {name: tensor for name, tensor in renamed.items() if name not in _TRAINING_ONLY}


def _sizes(config: Mapping[str, Any], extractor: Mapping[str, Any], outputs: int) -> Wav2Vec2Config:
    """The network that config.json and the feature extractor's settings describe; its head has so many outputs."""
    kind = config.get("model_type")
    if kind not in ARCHITECTURES or (config.get("architectures") or [ARCHITECTURES[kind]]) != [ARCHITECTURES[kind]]:
        what = " ".join(config.get("architectures") or [str(kind)])
        raise ValueError(f"{what} is none of {', '.join(ARCHITECTURES.values())}")
    for name, value in _REFUSED.items():
        if config.get(name, value) != value:
            raise ValueError(f"{name} is {config[name]!r}, and only {value!r} is supported")
    stacked = kind == "data2vec-audio"
    norm_first = bool(config.get("do_stable_layer_norm", False))
    if config.get("adapter_attn_dim") and not norm_first:
        raise ValueError("language adapters without do_stable_layer_norm are not supported")
    return Wav2Vec2Config(
        outputs=outputs,
        dim=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        feed_forward=config["intermediate_size"],
        convolutions=_convolutions(config),
        convolution_bias=config["conv_bias"],
        feature_norm="layer" if stacked else config["feat_extract_norm"],
        norm_first=norm_first,
        position_kernel=config["conv_pos_kernel_size" if stacked else "num_conv_pos_embeddings"],
        position_groups=config["num_conv_pos_embedding_groups"],
        position_layers=config["num_conv_pos_embeddings"] if stacked else 0,
        buckets=config["num_buckets"] if kind == "wavlm" else 0,
        max_distance=config["max_bucket_distance"] if kind == "wavlm" else 0,
        adapter_dim=config.get("adapter_attn_dim") or 0,
        normalise_eps=1e-7 if extractor.get("do_normalize", True) else None,  # as Wav2Vec2FeatureExtractor does
        sample_rate=extractor.get("sampling_rate", 16_000),
    )


def _convolutions(config: Mapping[str, Any]) -> tuple[Convolution, ...]:
    return tuple(zip(config["conv_dim"], config["conv_kernel"], config["conv_stride"], strict=True))


def _feature_extractor(folder: Path) -> Mapping[str, Any]:
    """preprocessor_config.json, which newer versions of transformers write into processor_config.json."""
    within = _read_json(folder / "processor_config.json", {}).get("feature_extractor", {})
    settings = _read_json(folder / "preprocessor_config.json", within)
    return settings if isinstance(settings, dict) else {}


def _tokens(path: Path, language: str | None) -> dict[str, int]:
    """vocab.json, that of one language where it has several."""
    tokens: dict[str, Any] = _read_json(path)
    if tokens and all(isinstance(value, dict) for value in tokens.values()):
        if language not in tokens:
            some = ", ".join(list(tokens)[:5])
            raise ValueError(f"{path} has no language {language!r}: choose one of its {len(tokens)}, such as {some}")
        tokens = dict(tokens[language])
    if not all(isinstance(value, int) and value >= 0 for value in tokens.values()):
        raise ValueError(f"{path} does not say which output a letter is: fetch the model again")
    return tokens


def _vocabulary(tokens: Mapping[str, int], tokenizer: Mapping[str, Any], outputs: int) -> Vocabulary:
    named = {role: _text(tokenizer[role]) for role in _SPECIAL if tokenizer.get(role)}
    usual = next((token for token in _USUAL_BLANKS if token in tokens), _USUAL_BLANKS[0])
    blank = named.get("pad_token", usual)
    delimiter = _text(tokenizer.get("word_delimiter_token") or "|")
    labels, columns = vocabulary(tokens, blank, delimiter, {*_USUAL_SPECIAL, *named.values()})
    if max(columns) >= outputs:
        raise ValueError(f"{VOCABULARY} has more entries than the {outputs} outputs of the network")
    return labels, columns


def _text(token: Any) -> str:
    """A token, which may be an object that says more about it."""
    return str(token["content"] if isinstance(token, dict) else token)


def _weights_path(folder: Path) -> Path:
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{folder} has neither model.safetensors nor pytorch_model.bin: fetch the model again")


def _adapter(folder: Path, language: str | None, own_language: str | None) -> dict[str, Tensor]:
    """The adapters and the head of a language; nothing for the folder's own, which the other weights may be for."""
    for suffix in ("safetensors", "bin"):
        if (path := folder / f"adapter.{language or own_language}.{suffix}").is_file():
            return read_tensors(path)
    if language not in (None, own_language):
        raise ValueError(f"{folder} has no adapter.{language}.safetensors: fetch it, or choose another language")
    return {}


def _joined_projections(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """WavLM's projections to queries, keys and values as the one that torchaudio has."""
    joined = dict(weights)
    for name in weights:
        if match := re.fullmatch(r"(.*\.attention)\.(q_proj|out_proj)\.(weight|bias)", name):
            layer, role, kind = match.groups()
            parts = [f"{layer}.{one}_proj.{kind}" for one in "qkv"]
            if role == "out_proj":
                joined[f"{layer}.attention.out_proj.{kind}"] = joined.pop(name)
            elif len({weights[one].shape for one in parts if one in weights}) == 1 and set(parts) <= weights.keys():
                joined[f"{layer}.attention.in_proj_{kind}"] = torch.cat([joined.pop(one) for one in parts])
    return joined


def _read_json(path: Path, default: Any = None) -> Any:
    """An object of a JSON file; the default where there is no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if default is not None:
            return default
        raise ValueError(f"{path.parent} is not a checkpoint: it has no {path.name}") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON
        raise ValueError(f"{path} is damaged ({error}): fetch the model again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is damaged (it holds no object): fetch the model again")
    return content
