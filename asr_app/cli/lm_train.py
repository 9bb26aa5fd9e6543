"""`asr lm train`: teach a neural language model, for the second pass over finals."""

from pathlib import Path
from typing import Annotated

import typer

from asr_app.cli.messages import check_output, explained
from asr_app.cli.options import ThreadsOption, set_threads
from asr_app.errors import ConfigError


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, TOML.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", help="Folder of the texts that the recipe names.")],
    output: Annotated[Path, typer.Option("--output", help="Folder of the run; a stopped run goes on.")],
    threads: ThreadsOption = None,
) -> None:
    """Train a neural language model on text; kill it whenever you like, the same command goes on."""
    check_output(output)

    from asr_app.config import load_settings
    from models.recipes.texts import neural_lm

    set_threads(load_settings(threads=threads).threads)
    try:
        model = neural_lm.train(recipe, data, output, lambda line: typer.echo(line, err=True))
    except (OSError, ValueError) as error:
        raise ConfigError(explained(error)) from error
    typer.echo(f"the model is in {model}")
