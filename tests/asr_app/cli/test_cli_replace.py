"""`asr replace`: a file beside the vocabulary."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_app.errors import ConfigError

Asr = Callable[..., Any]


def test_add_list_and_remove(asr: Asr, tmp_path: Path) -> None:
    assert asr("replace", "list").out == ""
    assert (
        asr("replace", "add", "My  Address", "1 Main St\nTown").out == "'my address' is written as '1 Main St\\nTown'\n"
    )
    asr("replace", "add", "btw", "by the way")
    assert asr("replace", "list").out == "my address\t1 Main St\\nTown\nbtw\tby the way\n"
    assert (tmp_path / "replacements.txt").is_file()
    assert asr("replace", "remove", "my address").code == 0
    assert asr("replace", "list").out == "btw\tby the way\n"


@pytest.mark.parametrize(
    ("arguments", "message"), [(["add", "?", "x"], "has no words"), (["remove", "my dog"], "is not replaced")]
)
def test_what_is_wrong_is_told(asr: Asr, arguments: list[str], message: str) -> None:
    done = asr("replace", *arguments)
    assert (done.code, done.out) == (ConfigError.exit_code, "")
    assert message in done.complaint
