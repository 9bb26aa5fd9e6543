"""`asr daemon`: a recogniser in the background, for `asr ctl` and other programs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asr_app.cli import install
from asr_app.cli.live import (
    MICROPHONE,
    NONE,
    FinalModelOption,
    MicrophoneOption,
    SourceOption,
    check_source,
    live_settings,
    live_source,
    load_live_recognizer,
)
from asr_app.cli.options import (
    BeamOption,
    ChunkOption,
    DecoderOption,
    DeviceOption,
    HotwordOption,
    HotwordsOption,
    LanguageOption,
    LmOption,
    ModelOption,
    ThreadsOption,
    expected,
    personal_words,
)
from asr_app.errors import ConfigError

if TYPE_CHECKING:
    from asr_app.audio.live_source import LiveSource
    from asr_app.config import Settings
    from asr_app.daemon.service import Service, Writers
    from asr_app.daemon.sinks import Sink
    from asr_app.recognizer import Recognizer
    from asr_app.text.writing import Writing

_ADDRESS = "[HOST:]PORT"

app = typer.Typer(help="A recogniser in the background, for `asr ctl` and other programs.")
app.command("install")(install.install)


@app.callback(invoke_without_command=True)
def daemon(  # noqa: PLR0913  # one for each option
    context: typer.Context,
    source: SourceOption = MICROPHONE,
    microphone: MicrophoneOption = None,
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
    final_model: FinalModelOption = None,
    language: LanguageOption = None,
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
        _check_no_options(context)
        return
    check_source(source, microphone)
    if (api_key_file or tls_certificate or tls_key) and not (http or vosk or wyoming):
        raise ConfigError("a key or TLS without a server: give --http, --vosk or --wyoming, too")

    from asr_app.daemon.listening import Binding, parse_address
    from asr_app.daemon.runtime import held, runtime_folder

    api_key = _api_key(api_key_file)

    def binding(address: str | None) -> Binding | None:
        return Binding(*parse_address(address), tls_certificate, tls_key, api_key) if address else None

    http_at, vosk_at, wyoming_at = binding(http), binding(vosk), binding(wyoming)

    given = {"model": model, "lm": lm, "decoder": decoder, "beam": beam, "chunk_ms": chunk_ms}
    given |= {"device": device, "threads": threads, "hotwords": hotwords}
    given |= {"final_model": final_model, "language": language}
    given |= {"sink": sink, "pace": pace, "written": written}

    def load(settings: "Settings") -> "Recognizer":
        from asr_app.words.vocabulary import merged

        return load_live_recognizer(settings, merged(personal_words(settings), expected(settings, hotword)))

    def open_source(sample_rate: int) -> "LiveSource":
        return live_source(source, microphone, sample_rate)

    def make_service() -> "Service":
        from asr_app.daemon.service import Service

        sink = _sink(_settings(**given).sink)
        return Service(lambda: _settings(**given), load, open_source, sink, load_writers=_load_writers)

    with held(runtime_folder()) as socket:  # before torch is imported: a second daemon is refused at once
        from asr_app.daemon.network import Servers
        from asr_app.daemon.server import run

        servers = Servers(http_at, vosk_at, wyoming_at, wyoming_socket)
        told = "; ".join(["asr: ready: `asr ctl toggle` begins and ends a dictation", *servers.addresses])
        run(socket, make_service, servers, lambda: typer.echo(told, err=True))


def _check_no_options(context: typer.Context) -> None:
    """ConfigError where options of the daemon stand before a command of its own, which does not have them."""
    for name in context.params:
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE":
            raise ConfigError(
                f"asr daemon {context.invoked_subcommand} takes no --{name.replace('_', '-')}: write it into the "
                "settings file, or into ExecStart by `systemctl --user edit --full asr`"
            )


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


def _settings(**given: object) -> "Settings":
    """Settings, command line over all; ConfigError for a wrong one, and where two cannot go together."""
    settings = live_settings(**given)
    if settings.pace != "committed":
        return settings
    settings = settings.where_unset(final_model=NONE)
    if settings.final_model != NONE:
        raise ConfigError("what is typed word by word cannot be heard again: leave out --final-model, or the pace")
    return settings


def _load_writers(settings: "Settings") -> "Writers":
    from asr_app.daemon.service import Writers
    from asr_app.library.models import find_model
    from asr_app.text.writing import load_writing
    from asr_app.typing.pace import CommittedWords

    def load(dictated: bool) -> "Writing":
        # clients that hear along get the words as they are
        return replace(load_writing(settings, find_model(settings.model), dictated), live=None)

    return Writers(
        dictation=None if settings.written is False else load(True),
        recordings=load(False) if settings.written else None,
        pace=CommittedWords() if settings.pace == "committed" else None,
    )


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
