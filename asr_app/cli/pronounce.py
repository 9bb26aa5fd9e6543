"""`asr pronounce`: how the recogniser expects words to be said."""

from typing import Annotated

import typer

from asr_app.cli.options import ModelOption
from asr_app.errors import ConfigError
from asr_app.library.models import find_model


def pronounce(
    words: Annotated[list[str], typer.Argument(help="Words; ABC in capitals may be spelled.", show_default=False)],
    model: ModelOption = None,
) -> None:
    """Print the pronunciations of words, one a line: the word, a tab, phonemes; best first."""
    from asr_app.config import load_settings
    from asr_app.words.pronunciation import Pronouncer

    pronouncer = Pronouncer.load(find_model(load_settings(model=model).model))
    for word in words:
        try:
            variants = pronouncer.pronounce(word)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        for labels in variants:
            typer.echo(f"{word}\t{' '.join(labels)}")
