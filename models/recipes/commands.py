"""What the commands of this package have in common: bad input ends them with one line, without a traceback."""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from soundfile import SoundFileError


def command(main: Callable[[], None]) -> Callable[[], None]:
    """A command that tells what is wrong with its input in one line, with argparse's exit status 2.

    `python -X dev -m ...` shows the traceback.
    """

    @functools.wraps(main)
    def run() -> None:
        try:
            main()
        except KeyboardInterrupt:
            sys.exit(130)  # as a shell says of what its user interrupted
        except (OSError, ValueError, ImportError, SoundFileError, subprocess.SubprocessError) as error:
            if sys.flags.dev_mode:
                raise
            sys.stderr.write(f"{Path(sys.argv[0]).stem}: {' '.join(str(error).split())}\n")
            sys.exit(2)

    return run
