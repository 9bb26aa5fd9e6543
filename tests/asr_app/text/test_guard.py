from collections.abc import Sequence

import pytest

from asr_app.text.guard import Guarded, admits
from asr_app.text.itn.rules import RuleRewriter
from asr_app.text.stages import Rewrite


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("twenty three dollars and five cents", "$23.05"),
        ("march third twenty twenty one", "March 3, 2021"),
        ("two and a half", "2 1/2"),
        ("five kilometers per hour", "5 km/h"),
        ("the nineteen eighties", "the 1980s"),
        ("double oh seven", "007"),
        ("mister jones", "Mr. Jones"),
    ],
)
def test_what_was_said_may_be_written(words: str, text: str) -> None:
    assert admits(words.split(), text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("twenty three dollars", "$24"),
        ("twenty three dollars", "23 pesos"),
        ("march third", "May 3"),
        ("hello there", "Hello there"),
        ("one of them", "1234"),
    ],
)
def test_what_was_not_said_may_not(words: str, text: str) -> None:
    assert not admits(words.split(), text)


class Model:
    def rewrites(self, words: Sequence[str]) -> list[Rewrite]:
        return [Rewrite(0, 2, "$25", "money"), Rewrite(3, 5, "30 %", "measure")]


def test_rules_write_what_the_model_may_not_or_does_not() -> None:
    words = ["twenty", "dollars", "and", "thirty", "percent", "at", "two", "thirty"]
    rewrites = Guarded(Model(), RuleRewriter()).rewrites(words)
    assert [(rewrite.start, rewrite.end, rewrite.text) for rewrite in rewrites] == [
        (0, 2, "$20"),
        (3, 5, "30 %"),
        (6, 8, "2:30"),
    ]
