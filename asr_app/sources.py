"""What `asr models pull` is told to fetch: a known name, a repository of Hugging Face, an address; all become files.

Only files that a recogniser is made of are taken: settings and vocabularies, weights that are read as tensors, n-gram
models. None of them is run.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from asr_app.errors import CheckpointError, ConfigError
from asr_app.library.https import DownloadError, MissingError, check_address, read_json
from asr_app.library.models import CONFIG, DESCRIPTION
from asr_app.library.registry import FileFacts, KnownModel, bundle_of, known_models

HUB = "https://huggingface.co"
TORCHAUDIO = "https://download.pytorch.org/torchaudio/models"

SAFE_WEIGHTS, PICKLED_WEIGHTS = "model.safetensors", "pytorch_model.bin"
_SETTINGS = (
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "vocab.json",
)
_OWN = (
    "g2p.json",
    "g2p.safetensors",
    "lexicon.txt.gz",
    "lm.bin",
    "neural_lm.json",
    "neural_lm.safetensors",
    "tagger/tagger.json",
    "tagger/tagger.safetensors",
    "words.txt.gz",
)
_PLAIN = frozenset({CONFIG, DESCRIPTION, SAFE_WEIGHTS, PICKLED_WEIGHTS, "alphabet.json", *_SETTINGS, *_OWN})
_BESIDE = re.compile(r"language_model/\w[\w.-]*\.(?:arpa|bin|json|txt)", re.ASCII)

_REPOSITORY = re.compile(r"([\w-][\w.-]*/([\w-][\w.-]*))(?:@(\w[\w./-]*))?", re.ASCII)
_HUB_PAGE = re.compile(r"/([\w-][\w.-]*/[\w-][\w.-]*)(?:/tree/(\w[\w./-]*))?/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """A model as files below one address.

    files: the model's description first. optional: whether a file that is not there may be left out.
    bundle: of torchaudio, whose only file are the weights. facts: what `asr models info` tells of it later.
    """

    name: str
    address: str
    files: Mapping[str, FileFacts]
    optional: bool = False
    bundle: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def with_sha256(self, digest: str) -> "Source":
        """The same, with the SHA-256 of its weights as the user knows it."""
        if not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            raise ConfigError(f"{digest!r} is no SHA-256: give its 64 hexadecimal digits")
        known = {
            path: replace(facts, sha256=digest.lower()) if self.bundle or is_weights(path) else facts
            for path, facts in self.files.items()
        }
        return replace(self, files=known)


def find_source(what: str) -> Source:
    """What a name, owner/name[@revision] or address stands for; a repository is asked for its files.

    Raises ConfigError where it stands for nothing, CheckpointError for a repository without a recogniser and
    DownloadError where it cannot be asked.
    """
    if "://" in what:
        return _of_address(what)
    if model := _known(what):
        return _of_known(model)
    if match := _REPOSITORY.fullmatch(what):
        return _of_repository(match[2], match[1], match[3] or "main")
    raise ConfigError(
        f"no model {what!r} is known: give a name of `asr models list`, owner/name[@revision], or https://…"
    )


def source_in(folder: Path, what: str) -> Source:
    """The files of a model as a user brought them into a folder; what is known of the model tells their SHA-256."""
    model = _known(what)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if model and model.files:
        return Source(model.name, str(folder), model.files, bundle=model.bundle, facts=_facts(model))
    files = _wanted(dict.fromkeys(names, FileFacts()), str(folder))
    return Source(_last_part(what), str(folder), files, facts=_facts(model) if model else {})


def token_for(url: str) -> str:
    """The secret that a request carries: the user's for the hub, where its own tools look for it, none elsewhere."""
    return os.environ.get("HF_TOKEN", "").strip() if url.startswith(f"{HUB}/") else ""


def by_hand(what: str) -> str:
    """How to bring a model to a machine without network."""
    model = _known(what)
    names = ", ".join(
        model.files if model and model.files else (CONFIG, *_SETTINGS, f"{SAFE_WEIGHTS} ({PICKLED_WEIGHTS})")
    )
    if model:
        place = TORCHAUDIO if model.bundle else f"{HUB}/{model.hub}/tree/{model.revision}"
    else:
        place = what if "://" in what else f"{HUB}/{what.replace('@', '/tree/')}"
    return (
        f"where there is a network, fetch {names} from {place} into a folder; here, "
        f"`asr models pull {what} --from FOLDER` checks and installs them"
    )


def is_weights(path: str) -> bool:
    """Whether a file of a model is its network."""
    return path in (SAFE_WEIGHTS, PICKLED_WEIGHTS)


def _known(what: str) -> KnownModel | None:
    """The registry's entry of a name, or of a repository of which no other revision is asked for."""
    return next((model for model in known_models().values() if what and what in (model.name, model.hub)), None)


def _of_known(model: KnownModel) -> Source:
    if model.bundle:
        return Source(model.name, TORCHAUDIO, model.files, bundle=model.bundle, facts=_facts(model))
    if not model.files:
        return replace(_of_repository(model.name, model.hub, model.revision), facts=_facts(model))
    return Source(model.name, _resolved(model.hub, model.revision), model.files, facts=_facts(model))


def _of_repository(name: str, repository: str, revision: str) -> Source:
    """The files of one commit, so that a branch that moves meanwhile does not mix two models."""
    url = f"{HUB}/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
    answer = read_json(url, token_for(url))
    try:
        commit = str(answer["sha"])
        files = {str(one["rfilename"]): _file_facts(one) for one in answer["siblings"]}
    except (KeyError, TypeError) as error:
        raise DownloadError(f"{url} does not tell the repository's files: check the name") from error
    return Source(name, _resolved(repository, commit), _wanted(files, repository))


def _file_facts(sibling: Mapping[str, Any]) -> FileFacts:
    large = sibling.get("lfs") or {}
    size, digest = sibling.get("size"), large.get("sha256")
    return FileFacts(size if isinstance(size, int) else None, digest if isinstance(digest, str) else None)


def _of_address(url: str) -> Source:
    check_address(url)
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ConfigError(f"{url} has more than a path: give the address of a folder, or of a torchaudio file")
    page = _HUB_PAGE.fullmatch(parts.path)
    if url.startswith(f"{HUB}/") and page:
        return _of_repository(_last_part(page[1]), page[1], page[2] or "main")
    address, _, name = url.rstrip("/").rpartition("/")
    if name.endswith((".pth", ".pt")):
        model = bundle_of(name)
        if model is None:
            raise ConfigError(f"{name} is no file of a torchaudio bundle: give one that `asr models list` knows")
        return Source(model.name, address, model.files, bundle=model.bundle, facts=_facts(model))
    return _of_folder(name, f"{address}/{name}")


def _of_folder(name: str, address: str) -> Source:
    """A folder on a server that cannot be asked for its files: those that a recogniser may have are tried."""
    for description, others in (
        (DESCRIPTION, (SAFE_WEIGHTS, *_OWN)),
        (CONFIG, (*_SETTINGS, SAFE_WEIGHTS, PICKLED_WEIGHTS)),
    ):
        try:
            read_json(f"{address}/{description}")
        except MissingError:
            continue
        return Source(name, address, dict.fromkeys((description, *others), FileFacts()), optional=True)
    raise CheckpointError(f"{address} has neither {DESCRIPTION} nor {CONFIG}: give the address of a model's folder")


def _wanted(files: Mapping[str, FileFacts], where: str) -> dict[str, FileFacts]:
    """Those of a repository's files that a recogniser is made of; the small ones, which tell what it is, first."""
    names = [name for name in files if name in _PLAIN or _BESIDE.fullmatch(name)]
    if SAFE_WEIGHTS in names and PICKLED_WEIGHTS in names:
        names.remove(PICKLED_WEIGHTS)
    if not {CONFIG, DESCRIPTION} & {*names} or not any(map(is_weights, names)):
        raise CheckpointError(f"{where} holds no recogniser ({CONFIG} and {SAFE_WEIGHTS}): choose another model")
    names.sort(key=lambda name: (is_weights(name) or "/" in name, name))
    return {name: files[name] for name in names}


def _resolved(repository: str, revision: str) -> str:
    return f"{HUB}/{repository}/resolve/{quote(revision, safe='')}"


def _last_part(what: str) -> str:
    """The name of an address, or of owner/name[@revision], whose revision may have slashes, too."""
    name = what if "://" in what else what.partition("@")[0]
    return name.rstrip("/").rpartition("/")[2]


def _facts(model: KnownModel) -> dict[str, Any]:
    return {"language": model.language, "licence": model.licence, "wer": dict(model.wer), "cites": [*model.cites]}
