"""What `asr dictate` and `asr daemon` share: what they hear, how long the encoder waits, and who hears it again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from asr_app.cli.options import load_recognizer
from asr_app.errors import AudioFormatError, ConfigError
from asr_app.library.models import find_model, takes_words

if TYPE_CHECKING:
    from asr_app.audio.live_source import LiveSource
    from asr_app.config import Settings
    from asr_app.recognizer import Recognizer
    from asr_app.words.vocabulary import Entry

MICROPHONE, STANDARD_INPUT = "mic", "-"

SAME, NONE = "same", "none"
"""Final models: the model itself with full context, and no second pass."""

_CHUNK_MS = 320
"""Where the user's settings say nothing: a recording can wait for 640, a speaker should not."""

SourceOption = Annotated[
    str, typer.Option("--source", help="mic; a recording, played in real time; or - for standard input.")
]
MicrophoneOption = Annotated[
    str | None, typer.Option("--microphone", help="An input's name or number; see `asr devices`.")
]
FinalModelOption = Annotated[
    str | None,
    typer.Option("--final-model", help="Hears each finished segment again: a model, same (the model itself), or none."),
]


def live_settings(**given: object) -> "Settings":
    """Settings, with what the command line gave over all else; ConfigError for a wrong one."""
    from asr_app.config import load_settings

    return load_settings(**given).where_unset(chunk_ms=_CHUNK_MS)


def check_source(source: str, microphone: str | None) -> None:
    """AudioFormatError where a source is neither mic nor - nor a file; ConfigError for a microphone beside another."""
    if source not in (MICROPHONE, STANDARD_INPUT) and not Path(source).is_file():
        raise AudioFormatError(f"{source} is no file: give mic, - or a recording to --source")
    if microphone is not None and source != MICROPHONE:
        raise ConfigError(f"--microphone is not heard beside --source {source}: leave one of them out")


def live_source(source: str, microphone: str | None, sample_rate: int, piped: BinaryIO | None = None) -> "LiveSource":
    """What a source names, at a sample rate (Hz), not yet entered; AsrError where it cannot be had.

    microphone: an input's name or number, by default the system's. piped: what to read for standard input.
    """
    from asr_app.audio.live_source import RealTimeFile, StandardInput
    from asr_app.audio.microphone import Microphone

    if source == MICROPHONE:
        device = int(microphone) if microphone is not None and microphone.isdecimal() else microphone
        return Microphone(device, sample_rate=sample_rate)
    if source == STANDARD_INPUT:
        return StandardInput(sample_rate=sample_rate, stream=piped)
    return RealTimeFile(source, sample_rate=sample_rate)


def load_live_recognizer(settings: "Settings", words: "tuple[Entry, ...]" = ()) -> "Recognizer":
    """The recogniser of live speech, with the one that writes the finals."""
    name = settings.final_model
    folder = find_model(name) if name not in (SAME, NONE, settings.model) else None  # before the other one is loaded
    recognizer = load_recognizer(settings, words)
    if folder is None:
        return recognizer if name == NONE else recognizer.with_exact(recognizer.with_full_context())
    own = {"model": name, "lm": None, "beam": None, "chunk_ms": "full", "language": None}
    return recognizer.with_exact(load_recognizer(settings.model_copy(update=own), words if takes_words(folder) else ()))
