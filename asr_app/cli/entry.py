"""The program's entry: `asr ctl` at once, every other command by the command line's library, which takes a while."""

import io
import os
import sys


def main() -> None:
    """Run a command; exits with its code."""
    try:
        _settle_streams()
        if sys.argv[1:2] == ["ctl"]:
            from asr_app.cli.ctl import main as run
        else:
            from asr_app.cli.main import main as run
        run()
    except KeyboardInterrupt:  # while modules are being loaded: a command tells of its own
        sys.exit(130)


def _settle_streams() -> None:
    """Let what the caller has closed lead nowhere, and letters that standard output cannot say be told by number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # then its number is the lowest that is free, which open gives
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
