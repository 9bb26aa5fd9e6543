"""The command line's entry: commands are imported when they are called, so that `asr --help` is quick."""

import logging
import os
import sys
from typing import Annotated

import typer

from asr_app import __version__
from asr_app.cli import evaluate, lm, models, train, transcribe
from asr_app.errors import AsrError

app = typer.Typer(
    name="asr",
    help="Speech recognition that stays on this machine: recordings in, words out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("transcribe")(transcribe.transcribe)
app.command("eval")(evaluate.evaluate)
app.command("tune")(evaluate.tune)
app.command("train")(train.train)
app.add_typer(models.app, name="models")
app.add_typer(lm.app, name="lm")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done to standard error.")] = False,
) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="asr: %(message)s")


def main() -> None:
    """Run a command; errors become one line on standard error and an exit code of their class."""
    try:
        app()
    except AsrError as error:
        sys.stderr.write(f"asr: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("asr: stopped\n")
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: nothing to say
        sys.exit(141)


if __name__ == "__main__":
    main()
