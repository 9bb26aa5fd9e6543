from pathlib import Path

import pytest

import asr_app.library.models as library
import models.checkpoint
import models.wav2vec2_huggingface
from asr_app.errors import CheckpointError
from asr_app.library.models import find_model, installed_models, shipped_models


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two recognisers, one of which is incomplete."""
    for name in ("small", "large"):
        (tmp_path / name).mkdir()
    (tmp_path / "small" / "model.json").write_text("{}")
    monkeypatch.setattr(library, "SHIPPED", tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of pulled recognisers, which is not there yet."""
    folder = tmp_path / "data" / "models"
    monkeypatch.setattr(library, "models_folder", lambda: folder)
    return folder


def test_the_names_of_the_descriptions_are_those_of_checkpoints() -> None:
    assert library.DESCRIPTION == models.checkpoint.DESCRIPTION
    assert library.CONFIG == models.wav2vec2_huggingface.CONFIG


def test_shipped_models(shipped: Path) -> None:
    assert shipped_models() == ["small"]
    assert find_model("small") == shipped / "small"


def test_pulled_models(shipped: Path, pulled: Path) -> None:
    assert installed_models() == []
    for name in ("own/model.json", "theirs/config.json", "half/model.safetensors", ".pulling/model.json", "file"):
        (pulled / name).parent.mkdir(parents=True, exist_ok=True)
        (pulled / name).write_text("{}")
    assert installed_models() == ["own", "theirs"]
    assert find_model("theirs") == pulled / "theirs"
    for name in ("half", ".pulling", "../models/own"):
        with pytest.raises(CheckpointError, match=r"\(small, own, theirs\)"):
            find_model(name)


def test_a_folder(shipped: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_model(str(model_folder)) == model_folder
    monkeypatch.setenv("HOME", str(model_folder.parent))
    assert find_model(f"~/{model_folder.name}") == model_folder
    monkeypatch.chdir(model_folder.parent)
    assert find_model(model_folder.name) == Path(model_folder.name)


@pytest.mark.parametrize("name", ["large", "nothing", "", "/", "../english", "x" * 5000, "a\0b", "line\nbreak"])
def test_an_unknown_model(shipped: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=r"give a folder with model\.json, or the name of one") as caught:
        find_model(name)
    assert str(caught.value).isprintable()
    assert "that is here (small); `asr models list` shows" in str(caught.value)


def test_nothing_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "SHIPPED", tmp_path)
    assert shipped_models() == []
    with pytest.raises(CheckpointError, match="none here"):
        find_model("english")
