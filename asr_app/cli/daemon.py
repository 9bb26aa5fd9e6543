"""`asr daemon`: a recogniser in the background, for `asr ctl` and other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asr_app.cli.options import (
    BeamOption,
    ChunkOption,
    DecoderOption,
    DeviceOption,
    HotwordOption,
    HotwordsOption,
    LmOption,
    ModelOption,
    ThreadsOption,
    expected,
    load_recognizer,
    personal_words,
)
from asr_app.errors import AudioFormatError

if TYPE_CHECKING:
    from asr_app.audio.live_source import LiveSource
    from asr_app.config import Settings
    from asr_app.daemon.service import Service
    from asr_app.daemon.sinks import Sink
    from asr_app.recognizer import Recognizer

MICROPHONE, STANDARD_INPUT = "mic", "-"

_CHUNK_MS = 320
"""As `asr dictate` has it: a speaker should not wait for 640."""

app = typer.Typer(help="A recogniser in the background, for `asr ctl` and other programs.")


@app.callback(invoke_without_command=True)
def daemon(  # noqa: PLR0913  # one for each option
    context: typer.Context,
    source: Annotated[
        str, typer.Option("--source", help="mic; a recording, played in real time; or - for standard input.")
    ] = MICROPHONE,
    microphone: Annotated[
        str | None, typer.Option("--microphone", help="An input's name or number; see `asr devices`.")
    ] = None,
    sink: Annotated[
        Literal["stdout", "none"], typer.Option("--sink", help="Where finished segments go, a line each.")
    ] = "stdout",
    model: ModelOption = None,
    lm: LmOption = None,
    decoder: DecoderOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    hotword: HotwordOption = None,
    hotwords: HotwordsOption = None,
) -> None:
    """Run the daemon until `asr ctl shutdown` or SIGTERM; SIGHUP reads the settings again."""
    if context.invoked_subcommand:
        return
    if source not in (MICROPHONE, STANDARD_INPUT) and not Path(source).is_file():
        raise AudioFormatError(f"{source} is no file: give mic, - or a recording to --source")

    from asr_app.daemon.runtime import held, runtime_folder

    given = {"model": model, "lm": lm, "decoder": decoder, "beam": beam, "chunk_ms": chunk_ms}
    given |= {"device": device, "threads": threads, "hotwords": hotwords}

    def load(settings: "Settings") -> "Recognizer":
        from asr_app.vocabulary import merged

        return load_recognizer(settings, merged(personal_words(settings), expected(settings, hotword)))

    def open_source(sample_rate: int) -> "LiveSource":
        return _live_source(source, microphone, sample_rate)

    def make_service() -> "Service":
        from asr_app.daemon.limits import Limits
        from asr_app.daemon.service import Service

        return Service(lambda: _settings(given), load, open_source, _sink(sink), Limits())

    with held(runtime_folder()) as socket:  # before torch is imported: a second daemon is refused at once
        from asr_app.daemon.server import run

        run(socket, make_service)


def _settings(given: Mapping[str, object]) -> "Settings":
    from asr_app.config import load_settings

    settings = load_settings(**given)
    return settings if "chunk_ms" in settings.model_fields_set else settings.model_copy(update={"chunk_ms": _CHUNK_MS})


def _sink(name: str) -> "Sink":
    from asr_app.daemon.sinks import NoSink, StandardOutput

    return StandardOutput() if name == "stdout" else NoSink()


def _live_source(source: str, microphone: str | None, sample_rate: int) -> "LiveSource":
    from asr_app.audio.live_source import RealTimeFile, StandardInput
    from asr_app.audio.microphone import Microphone

    if source == MICROPHONE:
        device = int(microphone) if microphone is not None and microphone.isdecimal() else microphone
        return Microphone(device, sample_rate=sample_rate)
    if source == STANDARD_INPUT:
        return StandardInput(sample_rate=sample_rate)
    return RealTimeFile(source, sample_rate=sample_rate)
