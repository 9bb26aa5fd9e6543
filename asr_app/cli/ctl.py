"""`asr ctl`: tell the daemon what to do; bound to a hotkey, it must be quick, and so it imports next to nothing."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from asr_app.cli.messages import complain
from asr_app.daemon.client import ControlClient
from asr_app.errors import AsrError

_COMMANDS = {
    "start": "begin to dictate",
    "stop": "end the dictation; its last words still come",
    "toggle": "begin to dictate, or end it",
    "cancel": "drop the dictation and the words that were not typed yet",
    "shutdown": "end the daemon once what was said is written",
    "status": "how the daemon stands, as JSON",
    "set": "use another model, language or device from the next start on; takes seconds",
    "follow": "print what the daemon does and hears, a line each, until it ends",
}


def main() -> None:
    """Run `asr ctl` of this process's command line; ends with the exit code of what went wrong."""
    code = 0
    try:
        run(sys.argv[2:])
    except AsrError as error:
        complain(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader has gone: nothing to say, and nothing more to write
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def run(arguments: Sequence[str]) -> None:
    """Run a command; DaemonError where there is no daemon, or it refuses."""
    given = vars(_parser().parse_args(arguments))
    command, form = given.pop("command"), given.pop("format", None)
    with ControlClient() as client:
        if command == "follow":
            _follow(client, form)
        else:
            wanted = {name: value for name, value in given.items() if value is not None}
            _tell(command, client.request(command, **wanted))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="asr ctl", description="Tell `asr daemon` what to do, from a hotkey perhaps.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {name: commands.add_parser(name, help=text, description=text) for name, text in _COMMANDS.items()}
    parsers["set"].add_argument("--model", help="a name of `asr models list`")
    parsers["set"].add_argument("--language", help="a language's code, such as en")
    parsers["set"].add_argument("--device", help="auto, cpu, cuda or mps")
    forms = ("json", "waybar", "i3status")
    parsers["follow"].add_argument("--format", choices=forms, default="json", help="every event, or what a bar shows")
    return parser


def _follow(client: ControlClient, form: str) -> None:
    from asr_app.daemon.bars import FORMATS

    for line in FORMATS[form](client.follow()):
        _print(line)


def _tell(command: str, answer: dict[str, Any]) -> None:
    if command == "status":
        _print(json.dumps({name: value for name, value in answer.items() if name != "ok"}))
    elif command == "set":
        _print(f"{answer['model']} on {answer['device']}")
    elif command != "shutdown":
        _print(answer["state"])


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a bar waits for each line
