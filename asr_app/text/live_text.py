"""Live text with sentences: marks and capitals for words that are committed, at most two words behind, never undone."""

from collections.abc import Sequence
from dataclasses import replace

from asr_app.events import Partial
from asr_app.text.rewriting import MARKS, same_letters
from asr_app.text.stages import Tagger

LOOK_AHEAD = 2
"""Words that are heard before the mark of a word is fixed."""
_CONTEXT = 60
"""Words before those in question that the tagger sees; so the work for a word does not grow with the stream."""


class LiveText:
    """The punctuation of one segment, word by word. What accept has given never changes."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._words: list[str] = []
        self._fixed: list[str] = []

    def accept(self, words: Sequence[str], is_final: bool = False) -> list[str]:
        """Take the next committed words; the written words that this fixes, with their marks.

        All but the last two of all words are fixed, or all of them where is_final, after which nothing follows.
        """
        self._words += words
        until = len(self._words) if is_final else max(len(self._fixed), len(self._words) - LOOK_AHEAD)
        begin = max(0, len(self._fixed) - _CONTEXT)
        if until == len(self._fixed):
            return []
        tags = self._tagger.tag(self._words[begin:])
        new = [_written(self._words[place], tags[place - begin]) for place in range(len(self._fixed), until)]
        self._fixed += new
        return new

    @property
    def fixed(self) -> Sequence[str]:
        """All written words so far."""
        return self._fixed


class LivePartials:
    """Partials of one stream with sentences in their committed part."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._segment_id: int | None = None
        self._heard = 0
        self._text = LiveText(tagger)

    def write(self, partial: Partial) -> Partial:
        """A partial whose fixed words are written; the others are as they were, and none of these is stable yet."""
        if partial.segment_id != self._segment_id:
            self._segment_id, self._heard, self._text = partial.segment_id, 0, LiveText(self._tagger)
        stable = [word.text for word in partial.words[: partial.stable_words]]
        self._text.accept(stable[self._heard :])
        self._heard = max(self._heard, len(stable))
        fixed = self._text.fixed[: len(partial.words)]
        words = [replace(word, text=text) for word, text in zip(partial.words, fixed, strict=False)]
        return replace(partial, words=(*words, *partial.words[len(words) :]), stable_words=len(words))


def _written(word: str, tag: tuple[str, str]) -> str:
    cased, mark = tag
    return (cased if same_letters(word, cased) else word) + (mark if mark in MARKS else "")
