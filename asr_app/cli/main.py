"""The command line's entry: commands are imported when they are called, so that `asr --help` is quick."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from asr_app import __version__, native_libraries
from asr_app.cli import (
    ctl,
    daemon,
    devices,
    dictate,
    distill,
    doctor,
    evaluate,
    history,
    lm,
    models,
    pretrain,
    pronounce,
    replace,
    train,
    transcribe,
    vocabulary,
)
from asr_app.cli.messages import INTERNAL_ERROR, complain, explained
from asr_app.errors import AsrError, OutputError

logger = logging.getLogger(__name__)


class _Commands(TyperGroup):
    """All commands; the library that reads their options puts words of its own before what is wrong with one."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="asr",
    cls=_Commands,
    help="Speech recognition that stays on this machine: recordings in, words out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("transcribe")(transcribe.transcribe)
app.command("dictate")(dictate.dictate)
app.command("devices")(devices.devices)
app.command("eval")(evaluate.evaluate)
app.command("tune")(evaluate.tune)
app.command("train")(train.train)
app.command("pretrain")(pretrain.pretrain)
app.command("distill")(distill.distill)
app.command("pronounce")(pronounce.pronounce)
app.command("doctor")(doctor.doctor)
app.add_typer(daemon.app, name="daemon")
app.add_typer(history.app, name="history")
app.add_typer(models.app, name="models")
app.add_typer(lm.app, name="lm")
app.add_typer(vocabulary.app, name="vocabulary")
app.add_typer(replace.app, name="replace")


@app.command(
    "ctl",
    add_help_option=False,
    help="Tell `asr daemon` what to do.",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def _ctl(context: typer.Context) -> None:
    ctl.run(context.args)


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
    # Python's own warnings are for programmers: the libraries' stay out of a user's sight.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.WARNING if verbose else logging.ERROR)


def main() -> None:
    """Run a command; what goes wrong becomes one line on standard error and an exit code of its class."""
    native_libraries.settle()
    code = _exit_code(app)
    flushed = _exit_code(sys.stdout.flush)  # what is still buffered may fail to be written, too
    sys.exit(code or flushed)


def _exit_code(work: Callable[[], object]) -> int:
    """The exit code of some work; the line about its failure is written."""
    try:
        work()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except AsrError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:
        _drop_output()  # the reader has gone: nothing to say
        return 1
    except OSError as error:
        _drop_output()
        complain(explained(error))
        logger.info("the details:", exc_info=True)
        return OutputError.exit_code
    except Exception as error:
        complain(f"internal error: {type(error).__name__}: {error}; `asr --verbose ...` shows the details")
        logger.info("the details:", exc_info=True)
        return INTERNAL_ERROR
    return 0


def _drop_output() -> None:
    """Send what is still buffered nowhere, lest Python should fail to write it once more."""
    with contextlib.suppress(OSError, ValueError):  # standard output may have no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
