"""What `asr daemon` makes of settings, at its start and whenever it reads them again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_app.cli.daemon import _load_writers, _settings
from asr_app.config import Settings
from asr_app.errors import ConfigError
from asr_app.typing.pace import CommittedWords


def test_words_that_are_typed_at_once_are_not_heard_again() -> None:
    assert _settings(pace="committed").final_model == "none"
    assert _settings(final_model="same").final_model == "same"
    with pytest.raises(ConfigError, match="cannot be heard again"):
        _settings(pace="committed", final_model="same")


def test_the_pace_is_of_the_settings() -> None:
    assert isinstance(_load_writers(Settings(written=False, pace="committed")).pace, CommittedWords)
    assert _load_writers(Settings(written=False)).pace is None


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--model", "english", "install"], "no --model"),
        (["--tls-key", "key.pem"], "--http, --vosk or --wyoming"),
        (["--api-key-file", "key"], "--http, --vosk or --wyoming"),
        (["--source", "-", "--microphone", "2"], "--microphone is not heard"),
    ],
)
def test_no_option_is_passed_over(
    asr: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], option: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = asr("daemon", *arguments)
    assert done.code == ConfigError.exit_code
    assert option in done.complaint
    assert not list(tmp_path.iterdir())
