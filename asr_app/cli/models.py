"""`asr models`: which recognisers there are, and how they come and go."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.errors import CheckpointError, ConfigError
from asr_app.library import models as library
from asr_app.library.models import DESCRIPTION, find_model, installed_models, models_folder, shipped_models

if TYPE_CHECKING:
    from asr_app.library.registry import KnownModel
    from asr_app.sources import Source

app = typer.Typer(help="The recognisers on this machine, and those that can be fetched.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A model's name or folder.")]

_COLUMNS = ("name", "state", "MB", "language", "licence", "WER %")
_UNKNOWN = "-"


@app.command("list")
def list_models() -> None:
    """The recognisers: shipped, installed, and known, which `asr models pull` fetches."""
    from asr_app.library.installation import read_record
    from asr_app.library.registry import known_models, shipped_facts

    rows: list[tuple[str, ...]] = [_COLUMNS]
    for name in shipped_models():
        rows.append(_row(name, "shipped", _megabytes(library.SHIPPED / name), shipped_facts(name)))
    installed = installed_models()
    for name in installed:
        folder = models_folder() / name
        rows.append(_row(name, "installed", _megabytes(folder), read_record(folder)))
    for model in known_models().values():
        if model.name not in installed:
            facts = {"language": model.language, "licence": model.licence, "wer": model.wer}
            rows.append(_row(model.name, "known", model.size_mb, facts))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def info(name: Name = "english") -> None:
    """What a recogniser is and how it was made."""
    import json

    from asr_app.library.registry import known_models

    known = known_models().get(name) if name not in installed_models() else None
    facts = _known_facts(known) if known else _folder_facts(find_model(name))
    typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))


@app.command()
def pull(
    what: Annotated[str, typer.Argument(help="A name of `asr models list`, owner/name[@revision], or https://…")],
    name: Annotated[str | None, typer.Option(help="How to call it here.")] = None,
    sha256: Annotated[str | None, typer.Option(help="What the SHA-256 of the weights is to be.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--from", help="Folder with the files, for a machine without network.")
    ] = None,
) -> None:
    """Fetch a recogniser, check it, and install it."""
    from asr_app.library.https import DownloadError, UnreachableError
    from asr_app.library.installation import copy_from
    from asr_app.library.installation import pull as install

    try:
        source = _source(what, folder, name, sha256)
        place = install(source, copy_from) if folder else _install_from_network(source)
    except UnreachableError as error:
        from asr_app.sources import by_hand

        raise DownloadError(f"{error}: {by_hand(what)}") from error
    _tell_sha256(place)
    typer.echo(f"{source.name} is in {place}: choose it with --model {source.name}")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="A model that was pulled.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a recogniser that was pulled."""
    from asr_app.library.installation import check_removable
    from asr_app.library.installation import remove as delete

    check_removable(name)
    if not yes and not sys.stdin.isatty():
        raise ConfigError(f"{name} is not removed unasked: say --yes")
    if yes or typer.confirm(f"Delete {models_folder() / name}?"):
        delete(name)


@app.command()
def verify(name: Name = "english") -> None:
    """Read all of a recogniser's files again and compare them with what they were."""
    from asr_app.library.installation import changed_files, read_record

    folder = find_model(name)
    record = read_record(folder)
    if wrong := changed_files(folder, record):
        said = ", ".join(f"{path} {problem}" for path, problem in wrong.items())
        raise CheckpointError(f"{folder}: {said}: `asr models remove {name}`, then pull it again")

    from models.loading import load_acoustic_model

    try:
        load_acoustic_model(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    checked = f"{len(record['files'])} files are as they were pulled" if record else "the network is whole"
    typer.echo(f"{folder}: {checked}")


@app.command()
def shrink(
    name: Name,
    output: Annotated[Path, typer.Option("--output", help="Folder of the smaller one.")],
) -> None:
    """Write a recogniser again with its weights in 8 bits, half the size."""
    folder = find_model(name)

    from models.checkpoint import WEIGHTS, shrink_checkpoint

    _write_again([folder], output, lambda: shrink_checkpoint(folder, output))
    sizes = [(one / WEIGHTS).stat().st_size / 1e6 for one in (folder, output)]
    typer.echo(f"{output}: weights of {sizes[1]:.1f} MB instead of {sizes[0]:.1f} MB")


@app.command()
def average(
    names: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Recognisers of runs that began alike.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the mean.")],
) -> None:
    """Write the recogniser whose weights are the mean of several; all else is the last one's."""
    folders = [find_model(name) for name in names]

    from models.checkpoint import average_checkpoints

    _write_again(folders, output, lambda: average_checkpoints(folders, output))
    typer.echo(f"{output}: the mean of {len(folders)}")


def _write_again(folders: Sequence[Path], output: Path, write: Callable[[], None]) -> None:
    """A recogniser made of others: write writes its model, the rest is copied from the last folder."""
    import shutil

    from models.checkpoint import DESCRIPTION, WEIGHTS

    if output.resolve() in [folder.resolve() for folder in folders]:
        raise ConfigError(f"{output} is the model itself: name another folder")
    check_output(output)
    rest = [path for path in folders[-1].iterdir() if path.name not in (WEIGHTS, DESCRIPTION)]
    try:
        write()
    except (OSError, ValueError) as error:
        raise CheckpointError(explained(error)) from error
    for path in rest:
        if path.is_dir():  # the tagger's, and a language model's
            shutil.copytree(path, output / path.name, dirs_exist_ok=True)
        else:
            shutil.copyfile(path, output / path.name)


def _source(what: str, folder: Path | None, name: str | None, sha256: str | None) -> "Source":
    from asr_app.sources import find_source, source_in

    if folder is not None and not folder.is_dir():
        raise ConfigError(f"{folder} is no folder: name the one with the files")
    if folder is None and what in shipped_models():
        raise ConfigError(f"{what} ships with the program, it need not be fetched: choose it with --model {what}")
    source = source_in(folder, what) if folder else find_source(what)
    source = replace(source, name=name) if name else source
    return source.with_sha256(sha256) if sha256 else source


def _install_from_network(source: "Source") -> Path:
    from asr_app.cli.progress import download_progress
    from asr_app.library.download import download
    from asr_app.library.installation import pull as install
    from asr_app.sources import token_for

    with download_progress() as progress:

        def bring(source: "Source", path: str, target: Path) -> str:
            url = f"{source.address}/{path}"
            return download(url, target, source.files[path], progress, token_for(url))

        try:
            return install(source, bring)
        except KeyboardInterrupt:
            typer.echo("stopped: the same command goes on from here", err=True)
            raise


def _tell_sha256(folder: Path) -> None:
    from asr_app.library.installation import read_record

    for path, digest in read_record(folder)["fetched"].items():
        typer.echo(f"{digest}  {path}")


def _row(name: str, state: str, megabytes: float | None, facts: Mapping[str, Any]) -> tuple[str, ...]:
    wer = " / ".join(str(value) for value in facts.get("wer", {}).values())
    size = f"{megabytes:.0f}" if megabytes else _UNKNOWN
    return name, state, size, facts.get("language", _UNKNOWN), facts.get("licence", _UNKNOWN), wer or _UNKNOWN


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _known_facts(model: "KnownModel") -> dict[str, Any]:
    """A model that is not here, and how to have it."""
    facts = {key: value for key, value in asdict(model).items() if value}
    return {"state": f"not here: asr models pull {model.name}", **facts}


def _folder_facts(folder: Path) -> dict[str, Any]:
    from asr_app.library.installation import read_record
    from asr_app.text.beside import text_models_of

    description = _checkpoint_facts(folder) if (folder / DESCRIPTION).is_file() else {}
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    megabytes = {path.relative_to(folder).as_posix(): round(path.stat().st_size / 1e6, 1) for path in paths}
    text = ", ".join(text_models_of(folder)) or "rules and commands only"
    return {"folder": str(folder), "megabytes": megabytes, "text": text, **read_record(folder), **description}


def _checkpoint_facts(folder: Path) -> dict[str, Any]:
    from models.checkpoint import read_description

    try:
        description = read_description(folder)
        for head in [description] if "wav2vec2" in description else description["heads"]:
            head["labels"] = " ".join(head["labels"])
    except (OSError, ValueError) as error:
        raise CheckpointError(explained(error)) from error
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder} is damaged ({error!r}): fetch the model again") from error
    return description
