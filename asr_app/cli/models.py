"""`asr models`: which recognisers there are."""

from typing import Annotated

import typer

from asr_app.errors import CheckpointError

app = typer.Typer(help="The recognisers on this machine.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Names of the recognisers that ship in the package."""
    from asr_app.library import shipped_models

    for name in shipped_models():
        typer.echo(name)


@app.command()
def info(name: Annotated[str, typer.Argument(help="A model's name or folder.")] = "english") -> None:
    """What a recogniser is and how it was made."""
    import json

    from asr_app.library import find_model
    from models.checkpoint import read_description

    folder = find_model(name)
    try:
        description = read_description(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    for head in description["heads"]:
        head["labels"] = " ".join(head["labels"])
    megabytes = {path.name: round(path.stat().st_size / 1e6, 1) for path in sorted(folder.iterdir())}
    typer.echo(json.dumps({"folder": str(folder), "megabytes": megabytes, **description}, indent=1, ensure_ascii=False))
