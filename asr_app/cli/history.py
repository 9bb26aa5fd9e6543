"""`asr history`: what was transcribed before."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_app.errors import ConfigError
from asr_app.sinks.formats import Format

if TYPE_CHECKING:
    from asr_app.records.history import About, History, Period

app = typer.Typer(help="What was transcribed before: words, never sound.", no_args_is_help=True)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no time: give a date such as 2026-05-01, or 2026-05-01T14:30") from None


Number = Annotated[int, typer.Argument(help="A transcript's number in the list.", show_default=False)]
Numbers = Annotated[list[int], typer.Argument(help="Transcripts' numbers in the list.", show_default=False)]
Since = Annotated[
    datetime | None,
    typer.Option("--since", parser=_time, metavar="DATE", help="Only what was made at this time or later."),
]
Before = Annotated[
    datetime | None, typer.Option("--before", parser=_time, metavar="DATE", help="Only what was made before this time.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Lines at most.")]
Raw = Annotated[bool, typer.Option("--raw", help="The words as they were recognised, not as they were written.")]

_OPENING = 60  # characters


@app.command("list")
def list_transcripts(since: Since = None, before: Before = None, limit: Limit = 20) -> None:
    """The newest transcripts; a * stands behind the number of one that is kept."""
    with _open() as history:
        for one in history.transcripts(_period(since, before), limit):
            opening = " ".join(one.opening.split())
            opening = opening if len(opening) <= _OPENING else opening[: _OPENING - 1] + "…"
            typer.echo(f"{one.number}{'*' * one.kept}\t{_line(one.about)}\t{opening}")


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help='Words, "\\"a phrase\\"", or how one begins (kubern*).')],
    since: Since = None,
    before: Before = None,
    limit: Limit = 20,
) -> None:
    """Where all these words were said together, the best place first."""
    with _open() as history:
        hits = history.search(" ".join(words), _period(since, before), limit)
    for hit in hits:
        typer.echo(f"{hit.number}\t{_line(hit.about)}\t{_clock(hit.start_s)}\t{' '.join(hit.snippet.split())}")
    if not hits:
        typer.echo("nothing found", err=True)


@app.command()
def show(number: Number, raw: Raw = False) -> None:
    """A transcript, each segment behind the time at which it begins."""
    from asr_app.sinks.segment import Utterance, spoken

    with _open() as history:
        typer.echo(f"{_line(history.about(number))}\n")
        for one in history.passages(number):
            speaker = f"{one.written.speaker}: " if one.written.speaker else ""
            text = spoken(Utterance(one.raw)) if raw else one.text
            typer.echo(f"{_clock(one.written.words[0].start_s)}  {speaker}{text}")


@app.command()
def export(
    number: Number,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write it.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output by default.")] = None,
    raw: Raw = False,
) -> None:
    """Write a transcript in any form of `asr transcribe`."""
    from asr_app.sinks.documents import document
    from asr_app.sinks.segment import Utterance

    with _open() as history:
        source = history.about(number).source
        said = history.passages(number)
    segments = [Utterance(one.raw, one.written.speaker) if raw else one.written for one in said]
    text = document(segments, format, source)
    if output is None:
        typer.echo(text, nl=False)
        return
    from asr_app.files.outputs import write_whole

    if output.exists():
        raise ConfigError(f"{output} is there already: name another file")
    write_whole(output, text)


@app.command()
def keep(
    numbers: Numbers,
    no_longer: Annotated[bool, typer.Option("--no-longer", help="Take the mark back.")] = False,
) -> None:
    """Mark transcripts that are to stay, however old they are."""
    with _open() as history:
        history.mark(numbers, not no_longer)
    typer.echo(f"{'no longer kept' if no_longer else 'kept'}: {', '.join(map(str, numbers))}", err=True)


@app.command()
def delete(
    numbers: Numbers,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget transcripts, kept ones too."""
    with _open() as history:
        for number in numbers:
            typer.echo(f"{number}\t{_line(history.about(number))}", err=True)
        if not yes and not sys.stdin.isatty():
            raise ConfigError("nothing is deleted unasked: say --yes")
        if yes or typer.confirm("Delete these?", err=True):
            history.delete(numbers)


def _open() -> "History":
    """The user's history, without what is too old."""
    from asr_app.config import load_settings
    from asr_app.records.history import History, history_file

    return History(history_file(), load_settings().history_days)


def _period(since: datetime | None, before: datetime | None) -> "Period":
    """Times of this machine's time zone."""
    from asr_app.records.history import Period

    return Period(since and since.astimezone(), before and before.astimezone())


def _line(about: "About") -> str:
    from asr_app.audio.blocks import shown

    return f"{about.started:%Y-%m-%d %H:%M}\t{_clock(about.duration_s)}\t{about.kind}\t{shown(about.source)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
