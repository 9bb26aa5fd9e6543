"""`asr models`: which recognisers there are."""

from pathlib import Path
from typing import Annotated

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.errors import CheckpointError, ConfigError
from asr_app.library import find_model, shipped_models

app = typer.Typer(help="The recognisers on this machine.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Names of the recognisers that ship in the package."""
    for name in shipped_models():
        typer.echo(name)


@app.command()
def info(name: Annotated[str, typer.Argument(help="A model's name or folder.")] = "english") -> None:
    """What a recogniser is and how it was made."""
    folder = find_model(name)

    import json

    from models.checkpoint import read_description

    try:
        description = read_description(folder)
        for head in description["heads"]:
            head["labels"] = " ".join(head["labels"])
    except (OSError, ValueError) as error:
        raise CheckpointError(explained(error)) from error
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder} is damaged ({error!r}): fetch the model again") from error
    megabytes = {path.name: round(path.stat().st_size / 1e6, 1) for path in sorted(folder.iterdir())}
    facts = {"folder": str(folder), "megabytes": megabytes, **description}
    typer.echo(json.dumps(facts, indent=1, ensure_ascii=False))


@app.command()
def shrink(
    name: Annotated[str, typer.Argument(help="A model's name or folder.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the smaller one.")],
) -> None:
    """Write a recogniser again with its weights in 8 bits, half the size."""
    folder = find_model(name)
    if output.resolve() == folder.resolve():
        raise ConfigError(f"{output} is the model itself: name another folder")
    check_output(output)

    import shutil

    from models.checkpoint import DESCRIPTION, WEIGHTS, shrink_checkpoint

    try:
        shrink_checkpoint(folder, output)
    except (OSError, ValueError) as error:
        raise CheckpointError(explained(error)) from error
    for path in folder.iterdir():
        if path.is_file() and path.name not in (WEIGHTS, DESCRIPTION):
            shutil.copyfile(path, output / path.name)
    sizes = [(one / WEIGHTS).stat().st_size / 1e6 for one in (folder, output)]
    typer.echo(f"{output}: weights of {sizes[1]:.1f} MB instead of {sizes[0]:.1f} MB")
