"""The conventions that the rules write by (docs/written-text.md tells them with examples)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Finder = Callable[[Sequence[str], int, "Style"], tuple[int, str] | None]
"""(words in lower case, place, style) -> where the expression that begins there ends, and how it is written."""


@dataclass(frozen=True, slots=True)
class Style:
    """How numbers are written.

    spelled_to: numbers up to this one stay words where nothing follows that wants figures.
    ordinals_spelled_to: the same of ordinals.
    grouped_from: numbers from this one on have commas between thousands.
    capitals: whether months, codes and the like get their capital letters.
    date_comma: what parts the day and the year of a date that begins with the month.
    percent: how a number and "percent" are written.
    hour: how an hour by itself is written, as a format of `hour` (an int).
    minutes: how an hour and minutes are written.
    colloquial: whether what prose leaves in words becomes figures too (half past two, five o'clock, six feet), and what
        may be two things is taken for figures (two fifteen, one c c p).
    """

    spelled_to: int = 12
    ordinals_spelled_to: int = 12
    grouped_from: int = 10_000
    capitals: bool = True
    date_comma: str = ", "
    percent: str = "{number}%"
    hour: str = "{hour}"
    minutes: str = "{hour}:{minute:02}"
    colloquial: bool = False

    def name(self, text: str) -> str:
        """A name such as a month's, with its capital where the style has them."""
        return text.capitalize() if self.capitals else text

    def letters(self, text: str) -> str:
        """Letters that were said one by one."""
        return text.upper() if self.capitals else text

    def integer(self, value: int) -> str:
        """A number in figures."""
        return f"{value:,}" if value >= self.grouped_from else str(value)


USUAL = Style()
"""As edited prose has it."""

PLAIN = Style(
    ordinals_spelled_to=0,
    grouped_from=10**30,
    capitals=False,
    date_comma=" ",
    percent="{number} %",
    hour="{hour:02}:00",
    minutes="{hour:02}:{minute:02}",
    colloquial=True,
)
"""Everything in figures, in lower case and without commas, for programs: the conventions of NVIDIA's NeMo grammars."""
