"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.errors import ConfigError
from asr_app.library import find_model

if TYPE_CHECKING:
    from asr_app.recognizer import Recognizer


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


ModelOption = Annotated[
    str,
    typer.Option("--model", help="A model's name (see `asr models list`) or its folder.", show_default=True),
]
LmOption = Annotated[
    Path | None, typer.Option("--lm", help="A KenLM n-gram (ARPA or binary) in place of the model's own.")
]
BeamOption = Annotated[
    int | None, typer.Option("--beam", min=0, help="Hypotheses kept; 0 is greedy, without language model.")
]
ChunkOption = Annotated[
    str, typer.Option("--chunk-ms", help="Milliseconds the encoder waits before it looks, or `full`.")
]
DeviceOption = Annotated[Device, typer.Option("--device", help="auto takes a GPU where there is one.")]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads; all cores by default.")]


def parse_chunk_ms(text: str) -> int | None:
    """Milliseconds of a chunk, None for full context; ConfigError for anything else."""
    if text == "full":
        return None
    if not (text.isdecimal() and len(text) < 10):
        raise ConfigError(f"--chunk-ms {text}: give milliseconds, such as 320 or 640, or full")
    return int(text)


def set_threads(threads: int | None) -> None:
    """Limit torch to so many CPU threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def load_recognizer(
    model: str, chunk_ms: str, beam: int | None, lm: Path | None, device: Device, threads: int | None
) -> "Recognizer":
    """The recogniser that the options ask for; what is wrong with them is told before torch is imported."""
    folder, milliseconds = find_model(model), parse_chunk_ms(chunk_ms)

    from asr_app.recognizer import Recognizer, RecognizerOptions

    set_threads(threads)
    return Recognizer.load(folder, RecognizerOptions(milliseconds, beam, lm, device=device.value))
