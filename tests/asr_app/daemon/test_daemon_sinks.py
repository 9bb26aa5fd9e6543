import errno
import sys
from types import SimpleNamespace

import pytest

from asr_app.daemon.sinks import StandardOutput
from asr_app.errors import OutputError


def test_standard_output_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def flush() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=len, flush=flush))
    with pytest.raises(OutputError, match=r"takes no words \(No space left on device\): make room there"):
        StandardOutput().write("tan")
