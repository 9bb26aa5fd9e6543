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
    """Print the pronunciations of words, one a line: the word, a tab, phonemes; best first.

    What your vocabulary says of a word goes before the lexicon, and that before the rules of spelling.
    """
    from asr_app.config import load_settings
    from asr_app.words.pronunciation import Pronouncer
    from asr_app.words.vocabulary import read_vocabulary
    from decoder.normalize import normalize

    settings = load_settings(model=model)
    sounds = {
        said: sound
        for entry in read_vocabulary(settings.vocabulary)
        for said, sound in zip(entry.text.split(), (entry.sounds_like or "").split(), strict=False)
    }
    pronouncer = Pronouncer.load(find_model(settings.model))
    for word in words:
        sound = sounds.get(normalize(word) or "")
        try:
            variants = [pronouncer.sounds_like(sound)] if sound else pronouncer.pronounce(word)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        for labels in variants:
            typer.echo(f"{word}\t{' '.join(labels)}")
