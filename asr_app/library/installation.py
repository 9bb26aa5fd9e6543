"""Recognisers that are pulled onto this machine, checked there and removed again; never half of one.

A model is put together in a hidden folder beside the others, read as a recogniser would read it, and only then
renamed to its name. What has come stays in the hidden folder when a pull is stopped: the next one goes on from there.
"""

import fcntl
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asr_app.errors import CheckpointError, ConfigError
from asr_app.library.download import check_file, check_space, file_sha256
from asr_app.library.https import MissingError
from asr_app.library.models import CONFIG, installed_models, models_folder, shipped_models
from asr_app.sources import PICKLED_WEIGHTS, SAFE_WEIGHTS, Source, is_weights

RECORD = "pulled.json"
"""Beside a pulled model's files: where it came from, and the SHA-256 of each file."""

Bring = Callable[[Source, str, Path], str]
"""Puts one of a source's files at a path, whole and as it is known to be, and tells its SHA-256."""

_STAGING = ".pulling"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def pull(source: Source, bring: Bring) -> Path:
    """Install a model: the folder that it is in now.

    Raises ConfigError for a name that cannot be taken, CheckpointError where the files are no recogniser, OutputError
    where the disk is full, and what bring raises.
    """
    _check_name(source.name)
    with _staging(source) as staging:
        check_space(staging, _size(source))
        files = staging / "files"
        files.mkdir(exist_ok=True)
        digests = _bring_all(source, files, bring)
        model = _readable(source, files, staging)
        _write_record(model, source, digests)
        model.rename(models_folder() / source.name)
        shutil.rmtree(staging)
    return models_folder() / source.name


def copy_from(source: Source, path: str, target: Path) -> str:
    """Bring a file from a folder of this machine."""
    origin = Path(source.address) / path
    if not origin.is_file():
        raise ConfigError(f"there is no {origin}: fetch it, too")
    digest = check_file(origin, source.files[path], str(origin))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(origin, target)
    return digest


def check_removable(name: str) -> None:
    """ConfigError for a model that was not pulled."""
    if name in shipped_models():
        raise ConfigError(f"{name} ships with the program: it stays")
    if name not in installed_models():
        raise ConfigError(f"no model {name!r} was pulled: `asr models list` shows those that were")


def remove(name: str) -> None:
    """Delete a pulled model; ConfigError for another one."""
    check_removable(name)
    doomed = models_folder() / f".removed-{name}"
    shutil.rmtree(doomed, ignore_errors=True)  # left by a removal that was stopped
    (models_folder() / name).rename(doomed)
    shutil.rmtree(doomed)


def read_record(folder: Path) -> dict[str, Any]:
    """What is known of where a model came from; empty for one that was not pulled."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record["files"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged ({error!r}): remove the model and pull it again") from error
    return dict(record)


def changed_files(folder: Path, record: Mapping[str, Any]) -> dict[str, str]:
    """The files of a model that are not as its record says, and what is wrong with each."""
    wrong = {}
    for path, facts in record.get("files", {}).items():
        if not (folder / path).is_file():
            wrong[path] = "is gone"
        elif file_sha256(folder / path) != facts["sha256"]:
            wrong[path] = "is not as it was pulled"
    return wrong


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a model: give another with --name")
    if name in shipped_models():
        raise ConfigError(f"a model {name} ships with the program: give another name with --name")
    if (models_folder() / name).exists():
        raise ConfigError(
            f"{models_folder() / name} is there already: `asr models remove {name}` first, or give a --name"
        )


@contextmanager
def _staging(source: Source) -> Iterator[Path]:
    """The hidden folder of a model that is being pulled, for one process at a time."""
    staging = models_folder() / _STAGING / source.name
    staging.mkdir(parents=True, exist_ok=True)
    with (staging.parent / f"{source.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"another process pulls {source.name}: wait for it") from error
        _forget_another(staging, source.address)
        yield staging


def _forget_another(staging: Path, address: str) -> None:
    """Drop what was brought from elsewhere: files of two models must not mix."""
    origin = staging / "address"
    if not origin.is_file() or origin.read_text(encoding="utf-8") != address:
        shutil.rmtree(staging)
        staging.mkdir()
        origin.write_text(address, encoding="utf-8")


def _size(source: Source) -> int:
    """Bytes that the files take, as far as is known; those of a bundle are written once more."""
    known = sum(facts.bytes or 0 for facts in source.files.values())
    return 2 * known if source.bundle else known


def _bring_all(source: Source, files: Path, bring: Bring) -> dict[str, str]:
    digests = {}
    for path in source.files:
        if path == PICKLED_WEIGHTS and SAFE_WEIGHTS in digests:
            continue
        if is_weights(path):
            _check_architecture(files / CONFIG)
        try:
            digests[path] = bring(source, path, files / path)
        except MissingError:
            if not source.optional:
                raise
    return digests


def _check_architecture(config: Path) -> None:
    """CheckpointError for a network that is no recogniser of the known kinds: before its weights are fetched."""
    if not config.is_file():
        return
    from models.wav2vec2_huggingface import ARCHITECTURES

    try:
        kinds = json.loads(config.read_text(encoding="utf-8")).get("architectures") or []
    except (ValueError, AttributeError, RecursionError):
        return  # which is told when the model is read
    if kinds and not {*kinds} & {*ARCHITECTURES.values()}:
        raise CheckpointError(
            f"{', '.join(map(str, kinds))} is none of {', '.join(ARCHITECTURES.values())}: choose another model"
        )


def _readable(source: Source, files: Path, staging: Path) -> Path:
    """The folder of the whole model, read as a recogniser does; CheckpointError for one that cannot be, which goes."""
    from models.loading import load_acoustic_model

    try:
        model = _converted(source, files, staging / "model") if source.bundle else files
        load_acoustic_model(model)
    except ValueError as error:
        shutil.rmtree(staging)
        raise CheckpointError(str(error)) from error
    return model


def _converted(source: Source, files: Path, model: Path) -> Path:
    """A bundle's weights as a folder of this project, which says what the bundle knows."""
    from models.wav2vec2_checkpoint import save_wav2vec2
    from models.wav2vec2_torchaudio import load_bundle

    (weights,) = source.files
    save_wav2vec2(model, load_bundle(source.bundle, files / weights))
    return model


def _write_record(folder: Path, source: Source, digests: dict[str, str]) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in paths
    }
    record = {"address": source.address, **source.facts, "fetched": digests, "files": files}
    (folder / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
