"""The user's own words as the user writes them: Kubernetes for kubernetes, GPT-4o for g p t four o."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from asr_app.words.vocabulary import Entry
from decoder.normalize import normalize
from decoder.types import Hypothesis, Word


@dataclass(frozen=True, slots=True)
class _Form:
    """A written word and how many of the words that were heard it stands for."""

    text: str
    heard: int


class WrittenForms:
    """Entries that are written otherwise than they are heard, found in hypotheses; shared and immutable.

    Of entries that begin at the same word the longest is taken.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        forms = ((tuple(entry.text.split()), _forms(entry)) for entry in entries)
        self._forms = {heard: written for heard, written in forms if written}
        self._beginnings = {heard[:length] for heard in self._forms for length in range(1, len(heard))}
        self._longest = max(map(len, self._forms), default=0)

    def partial(self, hypothesis: Hypothesis) -> Hypothesis:
        """The hypothesis in written words, of which those are stable that no later word can make part of an entry."""
        if not self._forms:
            return hypothesis
        words: list[Word] = []
        stable = heard = 0
        for count, written in self._pieces(hypothesis.words):
            certain = heard + count <= hypothesis.stable_words and not self._may_go_on(hypothesis, heard)
            if certain and stable == len(words):
                stable += len(written)
            words += written
            heard += count
        return replace(hypothesis, words=tuple(words), stable_words=stable)

    def final(self, hypothesis: Hypothesis) -> Hypothesis:
        """The finished hypothesis in written words, all of them stable."""
        words = tuple(word for _, written in self._pieces(hypothesis.words) for word in written)
        return replace(hypothesis, words=words, stable_words=len(words))

    def _pieces(self, words: Sequence[Word]) -> Iterator[tuple[int, list[Word]]]:
        """The words as pieces, each with the number of heard words that it stands for: an entry, or one other word."""
        place = 0
        while place < len(words):
            count, written = self._at(words, place)
            yield count, written
            place += count

    def _at(self, words: Sequence[Word], place: int) -> tuple[int, list[Word]]:
        """The longest entry at a place, or the word there."""
        for count in range(min(self._longest, len(words) - place), 0, -1):
            heard = words[place : place + count]
            forms = self._forms.get(tuple(word.text for word in heard))
            if forms:
                return count, _joined(forms, heard)
        return 1, [words[place]]

    def _may_go_on(self, hypothesis: Hypothesis, place: int) -> bool:
        """Whether the stable words from a place on are the beginning of an entry that later words may complete."""
        rest = hypothesis.words[place : hypothesis.stable_words]
        return len(rest) < self._longest and tuple(word.text for word in rest) in self._beginnings


def _forms(entry: Entry) -> tuple[_Form, ...]:
    """The written words of an entry; none where they are those that are heard, or not each by itself."""
    written = entry.written.split()
    heard = [(normalize(word) or "").split() for word in written]
    if entry.written == entry.text or not all(heard) or " ".join(chain.from_iterable(heard)) != entry.text:
        return ()
    return tuple(_Form(word, len(said)) for word, said in zip(written, heard, strict=True))


def _joined(forms: Iterable[_Form], heard: Sequence[Word]) -> list[Word]:
    """Written words with the times of the heard words that they stand for, and the least of their confidences."""
    written: list[Word] = []
    place = 0
    for form in forms:
        parts = heard[place : place + form.heard]
        place += form.heard
        confidence = min(part.confidence for part in parts)
        written.append(Word(form.text, parts[0].start_s, parts[-1].end_s, confidence))
    return written
