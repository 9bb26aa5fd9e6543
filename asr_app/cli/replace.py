"""`asr replace`: phrases that are written as something else."""

from pathlib import Path
from typing import Annotated

import typer

from asr_app.errors import ConfigError

app = typer.Typer(help="What is written for phrases that you say: addresses, signatures.", no_args_is_help=True)

Phrases = Annotated[list[str], typer.Argument(help="What you say; a phrase in quotes.", show_default=False)]


@app.command()
def add(
    phrase: Annotated[str, typer.Argument(help="What you say; a phrase in quotes.", show_default=False)],
    text: Annotated[str, typer.Argument(help="What is written for it; may have several lines.", show_default=False)],
) -> None:
    """Write a text for a phrase, or another text than before."""
    from asr_app.own_files import changing
    from asr_app.text.replacements import checked, read_replacements, write_replacements

    path = _file()
    said, written = checked(phrase, text)
    with changing(path):
        write_replacements(path, {**read_replacements(path), said: written})
    typer.echo(f"{said!r} is written as {written!r}")


@app.command("list")
def list_replacements() -> None:
    """List them as the file has them: phrase, tab, text."""
    from asr_app.text.replacements import lines, read_replacements

    for line in lines(read_replacements(_file())):
        typer.echo(line)


@app.command()
def remove(phrases: Phrases) -> None:
    """Write these phrases as they are said again."""
    from asr_app.own_files import changing
    from asr_app.text.replacements import checked, read_replacements, write_replacements

    path = _file()
    with changing(path):
        texts = read_replacements(path)
        for phrase in phrases:
            if texts.pop(checked(phrase, "")[0], None) is None:
                raise ConfigError(f"{phrase!r} is not replaced: `asr replace list` shows what is")
        write_replacements(path, texts)


def _file() -> Path:
    """Beside the vocabulary."""
    from asr_app.config import load_settings

    return load_settings().replacements
