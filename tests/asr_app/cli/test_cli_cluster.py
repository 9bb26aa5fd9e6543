"""`asr transcribe --cluster`: what it takes, and what it tells where Ray is not there."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_app.errors import ConfigError

Asr = Callable[..., Any]


@pytest.fixture
def talk(store: Callable[..., Path], whistle: Callable[..., Any]) -> Path:
    return store("talk.wav", whistle("_tan_"))


def test_without_the_extra_one_line_says_what_to_install(
    asr: Asr, model_folder: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = asr("transcribe", "--model", model_folder, "--cluster", "local", talk, "-o", tmp_path / "out")
    assert done.code == ConfigError.exit_code
    assert "install asr-app[cluster]" in done.complaint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--beside",)])
def test_a_cluster_writes_to_a_folder(asr: Asr, talk: Path, options: tuple[str, ...]) -> None:
    done = asr("transcribe", "--cluster", "local", talk, *options)
    assert done.code == ConfigError.exit_code
    assert "--output-dir" in done.complaint


def test_addresses_are_for_clusters(asr: Asr, talk: Path) -> None:
    done = asr("transcribe", talk, "-o", "s3://bucket/text")
    assert done.code == ConfigError.exit_code
    assert "--cluster" in done.complaint
