import importlib
import sys
import types

import pytest

from models.torchaudio_compat import import_torchaudio


def test_torchaudio_is_there_and_computes() -> None:
    torchaudio = import_torchaudio()
    assert torchaudio.transforms.MelSpectrogram(n_mels=20).mel_scale.fb.shape == (201, 20)
    assert import_torchaudio() is torchaudio


@pytest.mark.parametrize("kind", [OSError, RuntimeError])
def test_an_extension_that_cannot_be_loaded_is_replaced(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    made = types.ModuleType("torchaudio")

    def import_module(name: str) -> types.ModuleType:
        if "torchaudio._extension" not in sys.modules:
            raise kind("Could not load this library")
        return made

    monkeypatch.setattr(importlib, "import_module", import_module)
    try:
        assert import_torchaudio() is made
        extension = sys.modules["torchaudio._extension"]
        assert extension.fail_if_no_align(len) is len
        assert extension._IS_TORCHAUDIO_EXT_AVAILABLE is False
    finally:
        sys.modules.pop("torchaudio._extension", None)
