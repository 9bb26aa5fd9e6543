"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.errors import ConfigError

if TYPE_CHECKING:
    from asr_app.recognizer import RecognizerOptions


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


ModelOption = Annotated[
    str, typer.Option("--model", help="A model's name (see `asr models list`) or its folder.", show_default=True)
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
    if not text.isdecimal():
        raise ConfigError(f"--chunk-ms {text}: give milliseconds, such as 320 or 640, or full")
    return int(text)


def recognizer_options(
    chunk_ms: str, beam: int | None, lm: Path | None, device: Device
) -> "RecognizerOptions":
    """The recogniser's options as the command line gives them."""
    from asr_app.recognizer import RecognizerOptions

    return RecognizerOptions(parse_chunk_ms(chunk_ms), beam, lm, device=device.value)


def set_threads(threads: int | None) -> None:
    """Limit torch to so many CPU threads."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
