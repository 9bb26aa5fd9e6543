"""`asr transcribe`: recordings in, words out."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    PersonalLmOption,
    ThreadsOption,
    expected,
    personal_words,
)
from asr_app.errors import ConfigError
from asr_app.sinks.formats import Format

if TYPE_CHECKING:
    from asr_app.audio.file import PcmFormat


class Encoding(StrEnum):
    """Samples of raw PCM."""

    S16LE = "s16le"
    F32LE = "f32le"


class Vad(StrEnum):
    """What is heard of a recording."""

    SPEECH = "speech"
    SOUND = "sound"


class ProgressForm(StrEnum):
    """How it is told what goes on."""

    AUTO = "auto"
    BARS = "bars"
    LINES = "lines"
    JSON = "json"
    NONE = "none"


def transcribe(  # noqa: PLR0913  # one for each option
    files: Annotated[
        list[str] | None, typer.Argument(help="Recordings, or folders of them; - is standard input.")
    ] = None,
    format: Annotated[
        list[Format] | None, typer.Option("--format", "-f", help="How to write the transcript; may be repeated.")
    ] = None,
    beside: Annotated[bool, typer.Option("--beside", help="Write files beside the recordings.")] = False,
    output_dir: Annotated[
        str | None,
        typer.Option("--output-dir", "-o", help="Write files into a folder, in a tree like the recordings'."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace transcripts that are there.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep transcripts that are there, and go on with what was interrupted.")
    ] = False,
    pattern: Annotated[
        list[str] | None, typer.Option("--pattern", help="Names to take of a folder, as '*.mp3'; may be repeated.")
    ] = None,
    list_from: Annotated[
        str | None, typer.Option("--list", help="A file with the names of recordings, one a line; - is standard input.")
    ] = None,
    watch: Annotated[
        Path | None, typer.Option("--watch", help="Transcribe what arrives in a folder, until Ctrl-C.")
    ] = None,
    channels: Annotated[
        str, typer.Option("--channels", help="mix all, split them (a speaker each), or the number of one.")
    ] = "mix",
    start: Annotated[str, typer.Option("--from", help="Begin here: seconds, or hours:minutes:seconds.")] = "0",
    end: Annotated[str | None, typer.Option("--to", help="End here.")] = None,
    vad: Annotated[Vad, typer.Option("--vad", help="Hear speech only, or every sound (songs, whispers).")] = Vad.SPEECH,
    nbest: Annotated[int, typer.Option("--nbest", min=0, max=100, help="Other readings to write in JSON.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes; all cores for long batches by default.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="Work on a Ray cluster: ray://host:10001, or local."),
    ] = None,
    progress: Annotated[
        ProgressForm, typer.Option("--progress", help="auto: bars on a terminal, else lines, where files are written.")
    ] = ProgressForm.AUTO,
    written: Annotated[
        bool | None, typer.Option("--written/--raw", help="Write numbers and sentences, or words as they were said.")
    ] = None,
    model: ModelOption = None,
    language: LanguageOption = None,
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
    pcm_rate: Annotated[int | None, typer.Option("--pcm-rate", help="Hz of raw samples.", show_default="16000")] = None,
    pcm_channels: Annotated[
        int | None, typer.Option("--pcm-channels", help="Channels of raw samples.", show_default="1")
    ] = None,
) -> None:
    """Transcribe recordings (or the sound of videos) to standard output, or to files."""
    from asr_app.audio.file import Part
    from asr_app.cli.transcribing import Hearing, Request, carry_out, detector, parse_channels, parse_time
    from asr_app.config import load_settings
    from asr_app.files.batch import Listening
    from asr_app.files.inputs import PATTERNS
    from asr_app.words.vocabulary import merged

    channel, split = parse_channels(channels)
    part = Part(channel, parse_time(start), None if end is None else parse_time(end))
    listening = Listening(detector(vad.value), part, split, _raw(files or [], pcm, pcm_rate, pcm_channels))
    settings = load_settings(
        model=model,
        language=language,
        lm=lm,
        personal_lm=personal_lm,
        decoder=decoder,
        beam=beam,
        chunk_ms=chunk_ms,
        device=device,
        threads=threads,
        hotwords=hotwords,
        written=written,
    ).where_unset(chunk_ms="full")  # a recording can wait
    forms = tuple(dict.fromkeys(format or [Format.TEXT]))
    if nbest and not {Format.JSON, Format.JSONL} & set(forms):
        raise ConfigError("--nbest is written in JSON only: take --format json or jsonl, or leave it out")
    words = merged(personal_words(settings), expected(settings, hotword))
    request = Request(
        names=tuple(files or ()),
        list_from=list_from,
        watch=watch,
        patterns=tuple(pattern or PATTERNS),
        forms=forms,
        beside=beside,
        folder=output_dir,
        overwrite=overwrite,
        resume=resume,
        progress=progress.value,
    )
    hearing = Hearing(settings, words, nbest, jobs)
    if cluster is None:
        code = carry_out(request, listening, hearing)
    else:
        from asr_app.cli import clustering

        code = clustering.carry_out(cluster, request, listening, hearing)
    if code:
        raise typer.Exit(code)


def _raw(names: list[str], pcm: Encoding | None, rate: int | None, channels: int | None) -> "PcmFormat | None":
    """The form of raw samples; ConfigError where it is only half said, or no recording is of raw samples."""
    from asr_app.audio.file import STANDARD_INPUT, PcmFormat

    if pcm is None:
        if rate is not None or channels is not None:
            raise ConfigError("--pcm-rate and --pcm-channels are of raw samples: give their --pcm, too")
        return None
    if not any(name == STANDARD_INPUT or Path(name).is_fifo() for name in names):
        raise ConfigError("--pcm is for standard input: give - in the place of a recording")
    return PcmFormat(pcm.value, 16_000 if rate is None else rate, 1 if channels is None else channels)
