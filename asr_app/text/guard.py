"""What keeps a model from writing numbers that nobody said: its rewrites are checked against the words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from asr_app.text.itn.numbers import DIGITS, SCALES, SMALL, TENS, ZEROS, ordinal
from asr_app.text.stages import Rewrite, Rewriter

_PARTS = frozenset({"half", "halves", "quarter", "quarters"})


class Guarded:
    """A model's rewrites where the words allow them, and the rules' everywhere else."""

    def __init__(self, model: Rewriter, rules: Rewriter) -> None:
        self._model, self._rules = model, rules

    def rewrites(self, words: Sequence[str]) -> list[Rewrite]:
        """See stages.Rewriter."""
        made: list[Rewrite] = []
        at = 0
        for rewrite in self._model.rewrites(words):
            if admits(words[rewrite.start : rewrite.end], rewrite.text):
                made += [*self._by_rules(words, at, rewrite.start), rewrite]
                at = rewrite.end
        return [*made, *self._by_rules(words, at, len(words))]

    def _by_rules(self, words: Sequence[str], begin: int, end: int) -> Iterator[Rewrite]:
        for own in self._rules.rewrites(words[begin:end]):
            yield replace(own, start=begin + own.start, end=begin + own.end)


def admits(words: Sequence[str], text: str) -> bool:
    """Whether a text can be the written form of words.

    Its digits, zeros apart, are those that were said, in order; its letters stand in the words, in order; and
    something was said that is written otherwise than it is spelled.
    """
    lowered = [word.casefold() for word in words]
    figures = "".join(character for character in text if character in "123456789")
    has_reason = any(
        _figures(word) is not None or len(word) == 1 or word in ("dot", "at", "mister") for word in lowered
    )
    letters = (character for character in text.casefold() if character.isalpha() and character.isascii())
    said = iter("".join(lowered))
    return has_reason and figures in _readings(lowered) and all(letter in said for letter in letters)


def _readings(words: Sequence[str]) -> set[str]:
    """The digits other than zero that words can stand for: a clock's half is 30, else one in two."""
    plain = "".join(_figures(word) or "" for word in _repeated(words))
    if not _PARTS.intersection(words):
        return {plain, f"1{plain}"} if words and words[0] in ("a", "an") else {plain}
    numbers = "".join(_figures(word) or "" for word in words if word not in _PARTS)
    part = "2" if _PARTS.intersection(words) <= {"half", "halves"} else "4"
    clock = {"3", "15", "45"}
    return {f"{numbers}{part}", f"{numbers}1{part}", *(f"{numbers}{minutes}" for minutes in clock)}


def _repeated(words: Sequence[str]) -> list[str]:
    """Words with those said twice or thrice in full: double three."""
    made: list[str] = []
    times = 1
    for word in words:
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
            continue
        made += [word] * times
        times = 1
    return made


def _figures(word: str) -> str | None:
    """The digits other than zero of a number word, None for another word."""
    if word in SCALES or word == "hundred" or word in ZEROS:
        return ""
    value = SMALL.get(word, TENS.get(word, DIGITS.get(word)))
    if value is None:
        singular = word.removesuffix("s")
        decade = {f"{tens[:-1]}ies": number for tens, number in TENS.items()}.get(word)
        read = ordinal([word], 0) or ordinal([singular], 0)
        value = decade if decade is not None else read[0] if read else None
    return None if value is None else str(value).replace("0", "")
