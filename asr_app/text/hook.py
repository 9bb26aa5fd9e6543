"""The user's own last step: any program that reads text and writes text."""

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from dataclasses import dataclass

from asr_app.errors import AsrError

MOST_BYTES = 1_000_000


class HookError(AsrError):
    """The hook gave no text; the text before it holds."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A command that gets a text on standard input and gives the text to use on standard output, UTF-8 both.

    command: parted as a shell would part it, run without one. shell: run by /bin/sh, for pipes.
    timeout_s: how long it may take.
    """

    command: str
    shell: bool = False
    timeout_s: float = 5.0

    def run(self, text: str) -> str:
        """The text after the hook, without its last line break; HookError where it fails, dawdles or says too much."""
        try:
            arguments = self.command if self.shell else shlex.split(self.command)
            process = subprocess.Popen(
                arguments,
                shell=self.shell,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it may repeat what was said
                start_new_session=True,  # so that what it started ends with it
            )
        except (OSError, ValueError, IndexError) as error:
            raise HookError(f"the hook cannot be run ({type(error).__name__}): check its command") from error
        with process:
            return self._converse(process, text)

    def _converse(self, process: "subprocess.Popen[bytes]", text: str) -> str:
        too_late = threading.Event()

        def give_up() -> None:
            too_late.set()
            _end(process)

        timer = threading.Timer(self.timeout_s, give_up)
        timer.start()
        writer = threading.Thread(target=_feed, args=(process, text), daemon=True)
        writer.start()
        assert process.stdout is not None
        try:
            output = process.stdout.read(MOST_BYTES + 1)
            if len(output) > MOST_BYTES:
                raise HookError(f"the hook wrote more than {MOST_BYTES} bytes: let it write the text only")
            code = process.wait()  # the timer ends it, if nothing else does
        finally:
            timer.cancel()
            _end(process)
            writer.join()
        if too_late.is_set():
            raise HookError(f"the hook took longer than {self.timeout_s:g} s: make it faster or give it more time")
        if code:
            raise HookError(f"the hook ended with code {code}: run it by hand to see why")
        try:
            return output.decode().removesuffix("\n")
        except UnicodeDecodeError as error:
            raise HookError("the hook wrote no UTF-8: let it write UTF-8 text") from error


def _feed(process: "subprocess.Popen[bytes]", text: str) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:  # it need not read all
        process.stdin.write(text.encode())


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
