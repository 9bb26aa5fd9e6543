"""What `asr daemon` makes of settings, at its start and whenever it reads them again."""

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
