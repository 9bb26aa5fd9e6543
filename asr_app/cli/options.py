"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.library import find_model
from asr_app.options import DecoderName, DeviceName, RecognizerOptions

if TYPE_CHECKING:
    from asr_app.config import Settings
    from asr_app.recognizer import Recognizer


# None is what was not said: asr_app.config then looks at the environment, the settings file and the default.
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="A model's name (see `asr models list`) or its folder; english by default."),
]
LmOption = Annotated[
    Path | None, typer.Option("--lm", help="A KenLM n-gram (ARPA or binary) in place of the model's own.")
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
    typer.Option("--chunk-ms", help="Milliseconds the encoder waits before it looks, or full; 640 by default."),
]
DeviceOption = Annotated[
    DeviceName | None, typer.Option("--device", help="auto, the default, takes a GPU where there is one.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; all cores by default.")]


def set_threads(threads: int | None) -> None:
    """Limit torch to so many CPU threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def load_recognizer(settings: "Settings") -> "Recognizer":
    """The recogniser that the settings ask for; a model that is not there is told before torch is imported."""
    folder = find_model(settings.model)

    from asr_app.recognizer import Recognizer

    set_threads(settings.threads)
    chunk_ms = None if settings.chunk_ms == "full" else settings.chunk_ms
    options = RecognizerOptions(chunk_ms, settings.decoder, settings.beam, settings.lm, device=settings.device)
    return Recognizer.load(folder, options)
