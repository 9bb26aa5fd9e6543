"""The program's entry: `asr ctl` at once, every other command by the command line's library, which takes a while."""

import sys


def main() -> None:
    """Run a command; exits with its code."""
    if sys.argv[1:2] == ["ctl"]:
        from asr_app.cli.ctl import main as run
    else:
        from asr_app.cli.main import main as run
    run()


if __name__ == "__main__":
    main()
