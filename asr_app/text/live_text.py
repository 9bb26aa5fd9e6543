"""Live text with sentences: marks and capitals for words that are committed, at most two words behind, never undone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from asr_app.events import Partial
from asr_app.text.patience import Patience, TooSlowError
from asr_app.text.rewriting import ENDS, MARKS, in_sentence, open_sentence
from asr_app.text.stages import Tagger

logger = logging.getLogger(__name__)

LOOK_AHEAD = 2
"""Words that are heard before the mark of a word is fixed."""
_CONTEXT = 60
"""Words before those in question that the tagger sees; so the work for a word does not grow with the stream."""
_TIMEOUT_S = 0.25
"""How long words in progress may wait; a segment for which it was not enough goes on as it is recognised."""


class LiveText:
    """The punctuation of one segment, word by word. What accept has given never changes."""

    def __init__(self, tagger: Tagger, before: str = "") -> None:
        """before: the text that the segment goes on from."""
        self._tagger = tagger
        self._words = open_sentence(before)
        self._fixed = len(self._words)
        self._begins = not self._words

    def accept(self, words: Sequence[str]) -> list[str]:
        """Take the next committed words; the written words that this fixes, with their marks: all but the last two."""
        self._words += words
        until = len(self._words) - LOOK_AHEAD
        if until <= self._fixed:
            return []
        begin = max(0, self._fixed - _CONTEXT)
        tags = self._tagger.tag(self._words[begin:])
        new = [self._written(self._words[place], *tags[place - begin]) for place in range(self._fixed, until)]
        self._fixed = until
        return new

    def _written(self, word: str, cased: str, mark: str) -> str:
        text = in_sentence(word, cased, self._begins)
        self._begins = mark in ENDS
        return text + mark if mark in MARKS else text


class LivePartials:
    """Partials of one stream with sentences in their committed part; a tagger that fails or hangs leaves them raw."""

    def __init__(self, tagger: Tagger, before: Callable[[], str] = str, timeout_s: float = _TIMEOUT_S) -> None:
        """before: gives the text that a segment which begins now goes on from."""
        self._tagger, self._before, self._timeout_s = tagger, before, timeout_s
        self._work = Patience[tuple[LiveText, Sequence[str]], list[str]](lambda asked: asked[0].accept(asked[1]))
        self._segment_id: int | None = None
        self._heard = 0
        self._text = LiveText(tagger)
        self._fixed: list[str] = []
        self._failures: dict[int, str] = {}

    def write(self, partial: Partial) -> Partial:
        """A partial whose fixed words are written; the others are as they were, and none of these is stable yet."""
        if partial.segment_id != self._segment_id:
            self._segment_id, self._heard, self._fixed = partial.segment_id, 0, []
            self._text = LiveText(self._tagger, self._before())
        has_failed = partial.segment_id in self._failures
        if not has_failed:
            self._accept([word.text for word in partial.words[self._heard : partial.stable_words]])
        words = [replace(word, text=text) for word, text in zip(partial.words, self._fixed, strict=False)]
        stable = partial.stable_words if has_failed else len(words)
        return replace(partial, words=(*words, *partial.words[len(words) :]), stable_words=stable)

    def failure(self, segment_id: int) -> str:
        """Why a segment that is over was shown as it was recognised; empty where it was not. To be asked once."""
        return self._failures.pop(segment_id, "")

    def close(self) -> None:
        """There are no more partials."""
        self._work.close()

    def _accept(self, words: Sequence[str]) -> None:
        if not words:
            return
        self._heard += len(words)
        try:
            self._fixed += self._work.ask((self._text, words), self._timeout_s)
        except TooSlowError as error:
            self._fail(str(error))
        except Exception as error:
            logger.info("the details:", exc_info=True)
            self._fail(f"failed ({type(error).__name__})")

    def _fail(self, reason: str) -> None:
        assert self._segment_id is not None
        self._failures[self._segment_id] = f"the text models {reason}: the words in progress were as recognised"
