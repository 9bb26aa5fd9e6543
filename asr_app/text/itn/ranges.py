"""Two numbers with "to" or "or" between, which are both in figures or both in words: 10 to 15, two or three hundred."""

import re
from collections.abc import Sequence
from dataclasses import replace

from asr_app.text.itn.numbers import DIGITS, SMALL, TENS, at, cardinal
from asr_app.text.stages import Rewrite

_KINDS = frozenset({"decimal", "measure", "money", "time"})
_JOINTS = frozenset({"to", "or", "and", "by"})
_GOES_ON = frozenset({*DIGITS, *TENS, "hundred", "thousand", "half", "past", "point"})
"""Words behind which a small number is the end of something else."""
_BEGINS = frozenset({"", "from", "between"})


def levelled(words: Sequence[str], found: Sequence[Rewrite]) -> list[Rewrite]:
    """Rewrites, of which those that are the second number of a range agree with the first one."""
    made: list[Rewrite] = []
    for second in found:
        first = _first(words, second, made[-1] if made else None)
        if first is None:
            made.append(second)
            continue
        if made and made[-1].start == first.start:
            made.pop()
        if not _share_a_scale(words, first, second):
            sign = re.sub(r"\d.*", "", second.text) if second.kind == "money" else ""
            made += [replace(first, text=sign + first.text), second]
    return made


def _first(words: Sequence[str], second: Rewrite, last: Rewrite | None) -> Rewrite | None:
    """The first number of the range that ends with a second one, in figures."""
    end = second.start - 1
    in_figures = any(character.isdigit() for character in second.text)
    if second.kind not in _KINDS or not in_figures or at(words, end) not in _JOINTS:
        return None
    if last and last.end == end:
        first = last if last.kind == "decimal" else None
    else:
        first = _spelled(words, end, second.kind)
    if first is None or (words[end] == "and" and at(words, first.start - 1) != "between"):
        return None
    return first


def _spelled(words: Sequence[str], end: int, kind: str) -> Rewrite | None:
    """A small number that is still in words; "one" is often none."""
    value, before = SMALL.get(at(words, end - 1), 0), at(words, end - 2)
    is_number = value > 1 or (value == 1 and (kind != "decimal" or before in _BEGINS))
    return Rewrite(end - 1, end, str(value), "decimal") if is_number and before not in _GOES_ON else None


def _share_a_scale(words: Sequence[str], first: Rewrite, second: Rewrite) -> bool:
    """Whether the second number's hundreds or thousands are the first one's too: "two to three hundred"."""
    whole = cardinal(words, second.start)
    if whole is None or words[whole[1] - 1] not in ("hundred", "thousand"):
        return False
    head = cardinal(words[second.start : whole[1] - 1], 0)
    before = cardinal(words[first.start : first.end], 0)
    return head is not None and before is not None and before[0] < head[0]
