"""The only place that imports torchaudio.

Its published wheel is built for CUDA: beside a CPU build of torch, or another CUDA version, the import
raises because its native extension cannot be loaded. All that this project uses is Python, so the import is
retried with an inert extension module.
"""

import importlib
import sys
import types
from typing import Any


def _inert_extension() -> types.ModuleType:
    module = types.ModuleType("torchaudio._extension")

    def do_nothing(*_: object, **__: object) -> None:
        return None

    def same_function(function: Any) -> Any:
        return function

    for name, value in {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_RIR_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "_check_cuda_version": do_nothing,
        "fail_if_no_align": same_function,
        "fail_if_no_rir": same_function,
    }.items():
        setattr(module, name, value)
    return module


def import_torchaudio() -> Any:
    """The torchaudio module, with its native extension where it can be loaded."""
    try:
        return importlib.import_module("torchaudio")
    except (OSError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules["torchaudio._extension"] = _inert_extension()
        return importlib.import_module("torchaudio")
