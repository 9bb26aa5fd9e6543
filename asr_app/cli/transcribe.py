"""`asr transcribe`: recordings in, words out."""

import sys
from enum import StrEnum
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.cli.messages import complain
from asr_app.cli.options import (
    BeamOption,
    ChunkOption,
    DecoderOption,
    DeviceOption,
    HotwordOption,
    HotwordsOption,
    LmOption,
    ModelOption,
    PersonalLmOption,
    ThreadsOption,
    expected,
    load_recognizer,
    personal_words,
)
from asr_app.errors import AsrError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asr_app.audio.pcm import PcmFormat
    from asr_app.events import Final
    from asr_app.recognizer import Recognizer


class Format(StrEnum):
    """How a transcript is written."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"


class Encoding(StrEnum):
    """Samples of raw PCM."""

    S16LE = "s16le"
    F32LE = "f32le"


def transcribe(  # noqa: PLR0913  # one for each option
    files: Annotated[list[str], typer.Argument(help="Recordings; - is standard input.", show_default=False)],
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write the transcript.")] = Format.TEXT,
    model: ModelOption = None,
    lm: LmOption = None,
    personal_lm: PersonalLmOption = None,
    decoder: DecoderOption = None,
    beam: BeamOption = None,
    chunk_ms: ChunkOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    hotword: HotwordOption = None,
    hotwords: HotwordsOption = None,
    pcm: Annotated[Encoding | None, typer.Option("--pcm", help="Standard input is raw samples of this kind.")] = None,
    pcm_rate: Annotated[int, typer.Option("--pcm-rate", help="Hz of raw samples.")] = 16000,
    pcm_channels: Annotated[int, typer.Option("--pcm-channels", help="Channels of raw samples.")] = 1,
) -> None:
    """Transcribe recordings (or the sound of videos) to standard output."""
    from asr_app.audio.pcm import PcmFormat
    from asr_app.config import load_settings
    from asr_app.vocabulary import merged

    if len(files) > 1 and format in (Format.SRT, Format.VTT):
        raise ConfigError(f"{format.value} is the form of one recording: give the files one at a time")
    raw = PcmFormat(pcm.value, pcm_rate, pcm_channels) if pcm else None
    settings = load_settings(
        model=model,
        lm=lm,
        personal_lm=personal_lm,
        decoder=decoder,
        beam=beam,
        chunk_ms=chunk_ms,
        device=device,
        threads=threads,
        hotwords=hotwords,
    )
    recognizer = load_recognizer(settings, merged(personal_words(settings), expected(settings, hotword)))
    failures = [error for file in files if (error := _transcribe_file(recognizer, file, raw, format, len(files)))]
    if failures:
        raise typer.Exit(failures[0].exit_code)


def _transcribe_file(
    recognizer: "Recognizer", file: str, raw: "PcmFormat | None", format: Format, files: int
) -> AsrError | None:
    """Write one file's transcript; the error that kept it from being written, already told."""
    from asr_app.audio.blocks import shown
    from asr_app.transcription import transcribe_file

    try:
        finals = transcribe_file(recognizer, file, raw)
        if format is Format.TEXT:
            _write_lines(finals, f"{shown(file)}:\n" if files > 1 else "")
        else:
            sys.stdout.write(_document(list(finals), format, shown(file)))
            sys.stdout.flush()
    except AsrError as error:
        complain(error)
        return error
    return None


def _write_lines(finals: "Iterator[Final]", heading: str) -> None:
    """Text comes line by line while the file is heard; a file that cannot be opened gets no heading."""
    from asr_app.sinks.text import to_text

    first = list(islice(finals, 1))
    sys.stdout.write(heading)
    for final in chain(first, finals):
        sys.stdout.write(to_text([final]))
        sys.stdout.flush()


def _document(finals: "list[Final]", format: Format, file: str) -> str:
    """The whole transcript of a file."""
    from asr_app.sinks.json import to_json
    from asr_app.sinks.srt import to_srt
    from asr_app.sinks.vtt import to_vtt

    if format is Format.JSON:
        return to_json(finals, file)
    return to_srt(finals) if format is Format.SRT else to_vtt(finals)
