"""`asr vocabulary`: the user's own words."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asr_app.words.vocabulary import Entry

app = typer.Typer(help="Your own words: names and terms that the recogniser shall expect.", no_args_is_help=True)

Names = Annotated[list[str], typer.Argument(help="Words; a phrase in quotes.", show_default=False)]


@app.command()
def add(
    names: Names,
    sounds_like: Annotated[
        str | None, typer.Option("--sounds-like", help='How it is said, in English words, such as "new-win".')
    ] = None,
    weight: Annotated[
        float | None, typer.Option("--weight", help="How strongly it is expected; see docs/configuration.md.")
    ] = None,
) -> None:
    """Add words, or change what is known of them."""
    from asr_app.words.vocabulary import Entry

    if sounds_like and len(names) > 1:
        raise ConfigError("--sounds-like is of one word or phrase: quote a phrase, or add the words one at a time")
    _keep([Entry(name, sounds_like, weight) for name in names])


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(help="Text, an entry a line; a tab before what it sounds like, another before a weight."),
    ],
) -> None:
    """Add the words of a file."""
    from asr_app.words.vocabulary import read_entries

    _keep(read_entries(file))


@app.command("list")
def list_words() -> None:
    """List your words, as `asr vocabulary import` reads them."""
    from asr_app.config import load_settings
    from asr_app.words.vocabulary import read_vocabulary

    for entry in read_vocabulary(load_settings().vocabulary):
        typer.echo(entry.line)


@app.command()
def remove(names: Names) -> None:
    """Remove words."""
    from asr_app.config import load_settings
    from asr_app.own_files import changing
    from asr_app.words.vocabulary import Entry, read_vocabulary, write_vocabulary

    path = load_settings().vocabulary
    with changing(path):
        entries = {entry.text: entry for entry in read_vocabulary(path)}
        for name in names:
            if entries.pop(Entry(name).text, None) is None:
                raise ConfigError(f"{name!r} is not in your vocabulary: `asr vocabulary list` shows what is")
        write_vocabulary(path, entries.values())


def _keep(entries: "Iterable[Entry]") -> None:
    """Write the vocabulary with entries more."""
    from asr_app.config import load_settings
    from asr_app.own_files import changing
    from asr_app.words.vocabulary import merged, read_vocabulary, write_vocabulary

    path = load_settings().vocabulary
    with changing(path):
        before = read_vocabulary(path)
        after = merged(before, entries)
        write_vocabulary(path, after)
    typer.echo(f"{len(after)} in the vocabulary, {len(after) - len(before)} of them new")
