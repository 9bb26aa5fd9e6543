"""`asr lm`: language models and lexicons."""

import lzma
import zlib
from pathlib import Path
from typing import Annotated

import typer

from asr_app.cli.messages import check_output_file, explained
from asr_app.errors import ConfigError

_UNREADABLE = (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError)
"""What a wrong recipe, missing file or damaged archive brings about."""

app = typer.Typer(help="Word n-gram language models.", no_args_is_help=True)


@app.command()
def build(
    recipe: Annotated[Path, typer.Argument(help="A recipe, TOML.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", help="Folder of the texts that the recipe names.")],
    output: Annotated[Path, typer.Option("--output", help="The KenLM binary to write.")],
    tools: Annotated[
        Path | None, typer.Option("--tools", help="Folder of lmplz and build_binary (scripts/build-kenlm).")
    ] = None,
) -> None:
    """Build an n-gram language model from texts."""
    check_output_file(output)

    from decoder.lm_build import build_language_model, describe

    try:
        built = build_language_model(recipe, data, output, tools, lambda line: typer.echo(line, err=True))
    except _UNREADABLE as error:
        raise ConfigError(explained(error)) from error
    typer.echo(describe(built))


@app.command()
def lexicon(
    words: Annotated[Path, typer.Argument(help="Words, the first of each line; plain or gz.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", help="The lexicon to write, .txt.gz.")],
) -> None:
    """Pronounce a list of words by espeak-ng, for a model with phonemes."""
    check_output_file(output)

    from models.recipes.lexicon import write_lexicon

    try:
        kept, dropped = write_lexicon(words, output)
    except _UNREADABLE as error:
        raise ConfigError(explained(error)) from error
    typer.echo(f"{kept} words, {dropped} that cannot be pronounced left out")
