"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.library.models import find_model, takes_words
from asr_app.options import DecoderName, DeviceName, RecognizerOptions

if TYPE_CHECKING:
    from asr_app.config import Settings
    from asr_app.recognizer import Recognizer
    from asr_app.words.vocabulary import Entry


# None is what was not said: asr_app.config then looks at the environment, the settings file and the default.
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="A model's name (see `asr models list`) or its folder; english by default."),
]
LmOption = Annotated[
    Path | None, typer.Option("--lm", help="A KenLM n-gram (ARPA or binary) in place of the model's own.")
]
PersonalLmOption = Annotated[
    Path | None, typer.Option("--personal-lm", help="A language model of your own texts (`asr lm build`), mixed in.")
]
DecoderOption = Annotated[
    DecoderName | None,
    typer.Option(
        "--decoder",
        help="beam, the default: words of the lexicon; characters: any word, spelled; greedy: no language model.",
    ),
]
BeamOption = Annotated[int | None, typer.Option("--beam", min=1, help="Hypotheses that a search keeps.")]
ChunkOption = Annotated[
    str | None,
    typer.Option("--chunk-ms", help="Milliseconds the encoder waits before it looks, or full."),
]
DeviceOption = Annotated[
    DeviceName | None, typer.Option("--device", help="auto, the default, takes a GPU where there is one.")
]
LanguageOption = Annotated[
    str | None,
    typer.Option("--language", help="The code of a language, for a model that has several; its own by default."),
]
HotwordOption = Annotated[
    list[str] | None,
    typer.Option("--hotword", help="A word or phrase to expect, or with its weight PHRASE=WEIGHT; may be repeated."),
]
HotwordsOption = Annotated[
    Path | None, typer.Option("--hotwords", help="A file of words and phrases to expect, one a line.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; all cores by default.")]


def set_threads(threads: int | None) -> None:
    """Limit torch to so many CPU threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def expected(settings: "Settings", hotwords: list[str] | None) -> "tuple[Entry, ...]":
    """The words that the settings' file of hotwords and the command line want to be expected."""
    from asr_app.words.vocabulary import merged, parse_hotword, read_entries

    return merged(read_entries(settings.hotwords) if settings.hotwords else (), map(parse_hotword, hotwords or ()))


def personal_words(settings: "Settings") -> "tuple[Entry, ...]":
    """The user's vocabulary, where the decoder has a use for it."""
    from asr_app.words.vocabulary import read_vocabulary

    has_use = settings.decoder == "beam" and takes_words(find_model(settings.model))
    return read_vocabulary(settings.vocabulary) if has_use else ()


def load_recognizer(settings: "Settings", hotwords: "tuple[Entry, ...]" = ()) -> "Recognizer":
    """The recogniser that the settings ask for; a model that is not there is told before torch is imported."""
    folder = find_model(settings.model)

    from asr_app.recognizer import Recognizer

    set_threads(settings.threads)
    chunk_ms = None if settings.chunk_ms == "full" else settings.chunk_ms
    options = RecognizerOptions(
        chunk_ms=chunk_ms,
        decoder=settings.decoder,
        beam=settings.beam,
        lm=settings.lm,
        personal_lm=settings.personal_lm,
        personal_lm_weight=settings.personal_lm_weight,
        device=settings.device,
        language=settings.language,
        hotwords=hotwords,
    )
    return Recognizer.load(folder, options)
