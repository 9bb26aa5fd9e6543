"""`asr daemon`: a recogniser in the background, for `asr ctl` and other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asr_app.cli import install
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
from asr_app.errors import AudioFormatError, ConfigError

if TYPE_CHECKING:
    from asr_app.audio.live_source import LiveSource
    from asr_app.config import Settings
    from asr_app.daemon.service import Service
    from asr_app.daemon.sinks import Sink
    from asr_app.recognizer import Recognizer
    from asr_app.writing import Write

MICROPHONE, STANDARD_INPUT = "mic", "-"

_ADDRESS = "[HOST:]PORT"

_CHUNK_MS = 320
"""As `asr dictate` has it: a speaker should not wait for 640."""

app = typer.Typer(help="A recogniser in the background, for `asr ctl` and other programs.")
app.command("install")(install.install)


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
        str | None,
        typer.Option("--sink", help="Where text goes: type (into the focused window), type:TOOL,TOOL, stdout or none."),
    ] = None,
    pace: Annotated[
        Literal["final", "committed"] | None,
        typer.Option("--pace", help="final: finished segments; committed: words as they can no longer change."),
    ] = None,
    written: Annotated[
        bool | None, typer.Option("--written/--raw", help="Write numbers and sentences, or words as they were said.")
    ] = None,
    model: ModelOption = None,
    lm: LmOption = None,
    decoder: DecoderOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    hotword: HotwordOption = None,
    hotwords: HotwordsOption = None,
    http: Annotated[
        str | None, typer.Option("--http", metavar=_ADDRESS, help="Serve OpenAI's API: HTTP and realtime WebSocket.")
    ] = None,
    vosk: Annotated[
        str | None, typer.Option("--vosk", metavar=_ADDRESS, help="Serve the WebSocket of vosk-server.")
    ] = None,
    wyoming: Annotated[
        str | None, typer.Option("--wyoming", metavar=_ADDRESS, help="Serve Wyoming, which Home Assistant speaks.")
    ] = None,
    wyoming_socket: Annotated[
        Path | None, typer.Option("--wyoming-socket", help="Serve Wyoming at a Unix socket.")
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option("--api-key-file", help="A file with the key that clients have to send.")
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", help="A PEM file: the servers speak TLS.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", help="Its private key, where that is in another file.")
    ] = None,
) -> None:
    """Run the daemon until `asr ctl shutdown` or SIGTERM; SIGHUP reads the settings again."""
    if context.invoked_subcommand:
        return
    if source not in (MICROPHONE, STANDARD_INPUT) and not Path(source).is_file():
        raise AudioFormatError(f"{source} is no file: give mic, - or a recording to --source")

    from asr_app.daemon.listening import Binding, parse_address
    from asr_app.daemon.runtime import held, runtime_folder

    api_key = _api_key(api_key_file)

    def binding(address: str | None) -> Binding | None:
        return Binding(*parse_address(address), tls_certificate, tls_key, api_key) if address else None

    http_at, vosk_at, wyoming_at = binding(http), binding(vosk), binding(wyoming)

    given = {"model": model, "lm": lm, "decoder": decoder, "beam": beam, "chunk_ms": chunk_ms}
    given |= {"device": device, "threads": threads, "hotwords": hotwords}
    given |= {"sink": sink, "pace": pace, "written": written}

    def load(settings: "Settings") -> "Recognizer":
        from asr_app.vocabulary import merged

        return load_recognizer(settings, merged(personal_words(settings), expected(settings, hotword)))

    def open_source(sample_rate: int) -> "LiveSource":
        return _live_source(source, microphone, sample_rate)

    def make_service() -> "Service":
        from asr_app.daemon.service import Service
        from asr_app.typing.pace import CommittedWords

        settings = _settings(given)
        words = CommittedWords() if settings.pace == "committed" else None
        to = _sink(settings.sink)
        return Service(lambda: _settings(given), load, open_source, to, load_write=_load_write, pace=words)

    with held(runtime_folder()) as socket:  # before torch is imported: a second daemon is refused at once
        from asr_app.daemon.network import Servers
        from asr_app.daemon.server import run

        run(socket, make_service, Servers(http_at, vosk_at, wyoming_at, wyoming_socket))


def _api_key(path: Path | None) -> str:
    """The key in a file, empty where none is named; ConfigError where the file holds none."""
    if path is None:
        return ""
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the API key in {path} cannot be read: write one of ASCII characters there") from error
    if not key:
        raise ConfigError(f"{path} is empty: write an API key there, such as `openssl rand -hex 32` gives")
    return key


def _settings(given: Mapping[str, object]) -> "Settings":
    from asr_app.config import load_settings

    settings = load_settings(**given)
    return settings if "chunk_ms" in settings.model_fields_set else settings.model_copy(update={"chunk_ms": _CHUNK_MS})


def _load_write(settings: "Settings") -> "Write | None":
    if settings.written is False:
        return None
    from asr_app.library import find_model
    from asr_app.writing import load_writing

    return load_writing(settings, find_model(settings.model), dictated=True).write


def _sink(name: str) -> "Sink":
    from asr_app.daemon.sinks import NoSink, StandardOutput

    kind, _, tools = name.partition(":")
    if kind == "type":
        from asr_app.typing.session import Session
        from asr_app.typing.sink import TypingSink, tools_of

        return TypingSink(tools_of(Session(), tools.split(",") if tools else ()))
    if name not in ("stdout", "none"):
        raise ConfigError(f"no sink {name!r}: choose type, type:TOOL, stdout or none")
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
