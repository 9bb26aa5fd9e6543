"""A screen's terminal: what C libraries write does not get there."""

import subprocess
import sys

CODE = """
import os, sys
from asr_app.cli.terminal import screen_alone

def library(text):
    os.write(2, text)

library(b"before ")
try:
    with screen_alone():
        library(b"ALSA lib pcm.c: cannot open ")
        print("screen ", end="", file=sys.__stderr__, flush=True)
        old, elsewhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)  # as sounddevice does
        os.dup2(elsewhere, 2)
        print("goes on ", end="", file=sys.__stderr__, flush=True)
        os.dup2(old, 2)
        raise KeyError
except KeyError:
    library(b"after ")
print("and errors", end="", file=sys.__stderr__)
"""


def test_only_the_screen_writes_to_the_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stderr == "before screen goes on after and errors"
