"""The transcript on the screen: events in, segments in order out, with the user's own changes.

Plain Python, without Textual. What a user has edited or removed, no later revision brings back.
"""

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from asr_app.events import Event, Final, Partial, SpeechEnded, SpeechStarted, Transcript, Written
from asr_app.text.realign import realigned


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: its last event, and how it is shown.

    edited: whether the user changed its words, which are then shown whatever was recognised.
    is_raw: whether the words of written text are shown as they were recognised.
    """

    last: Transcript
    edited: bool = False
    is_raw: bool = False

    @property
    def said(self) -> Transcript:
        """What is shown."""
        if self.is_raw and isinstance(self.last, Written) and not self.edited:
            return as_recognised(self.last)
        return self.last

    @property
    def id(self) -> int:
        """The segment's number in the transcript."""
        return self.last.segment_id

    @property
    def is_final(self) -> bool:
        """Whether the recogniser has finished it."""
        return isinstance(self.last, Final)

    @property
    def committed_words(self) -> int:
        """How many of its words cannot change any more."""
        return self.said.stable_words if isinstance(self.said, Partial) else len(self.said.words)

    @property
    def start_s(self) -> float:
        """Start of its first word in seconds."""
        return self.said.words[0].start_s


class TranscriptDocument:
    """Segments in the order of their numbers, each with at least one word; written text keeps its raw words."""

    def __init__(self, restored: Iterable[Final] = ()) -> None:
        """restored: segments of an earlier session, which this one goes on after."""
        self.is_raw = False
        self.segments = [Segment(final) for final in restored if final.words]
        self._index = {segment.id: index for index, segment in enumerate(self.segments)}
        self._undone: list[Segment] = []
        self._dropped: set[int] = set()
        self._first_id = 0
        self._offset_s = 0.0
        self.begin_take()

    def begin_take(self, elapsed_s: float = 0.0) -> None:
        """Number and time the events that follow, which count from 0 again, after all that is here.

        elapsed_s: seconds of the take before, which may have ended in silence.
        """
        end = self.segments[-1].said.words[-1].end_s if self.segments else 0.0
        self._offset_s = max(math.ceil(end), self._offset_s + elapsed_s)
        self._first_id = max([*self._index, *self._dropped, self._first_id - 1]) + 1

    def placed(self, event: Event) -> Event:
        """An event of this take, with its number and times in the whole transcript."""
        if isinstance(event, Transcript):
            placed = self._later(replace(event, segment_id=event.segment_id + self._first_id))
            if isinstance(placed, Written):
                return replace(placed, raw=self._later(as_recognised(placed)).words)
            return placed
        if isinstance(event, SpeechStarted | SpeechEnded):
            return replace(event, time_s=event.time_s + self._offset_s)
        return event

    def _later(self, said: Transcript) -> Transcript:
        words = tuple(
            replace(word, start_s=word.start_s + self._offset_s, end_s=word.end_s + self._offset_s)
            for word in said.words
        )
        return replace(said, words=words)

    def accept(self, said: Transcript) -> bool:
        """Show an event that was placed; False where it changes nothing."""
        index = self._index.get(said.segment_id)
        if said.segment_id in self._dropped:
            return False
        if index is None:
            if said.words:
                self._insert(Segment(said, is_raw=self.is_raw))
            return bool(said.words)
        if not self._is_newer(said, self.segments[index]):
            return False
        if said.words:
            self.segments[index] = Segment(said, is_raw=self.is_raw)
        else:
            self._remove(index)
        return True

    @staticmethod
    def _is_newer(said: Transcript, shown: Segment) -> bool:
        if shown.edited or (shown.is_final and isinstance(said, Partial)):
            return False
        return said.revision > shown.last.revision

    def edit(self, segment_id: int, text: str) -> Final | None:
        """Put a user's text in the place of a segment's words; without text the segment goes and None is returned."""
        index = self._index[segment_id]
        last = self.segments[index].last
        if not text.split():
            self._drop(index)
            return None
        final = edited(last, text)
        self.segments[index] = Segment(final, edited=True)
        return final

    def undo(self, before: int | None = None) -> Segment | None:
        """Take the last finished segment away, or the last before a number; the segment, None where there is none."""
        index = self._last_final(before)
        return None if index is None else self._drop(index)

    def redo(self) -> Segment | None:
        """Bring back the segment that was taken away last."""
        if not self._undone:
            return None
        segment = replace(self._undone.pop(), is_raw=self.is_raw)
        self._dropped.discard(segment.id)
        self._insert(segment)
        return segment

    def take_back(self, before: int) -> Segment | None:
        """Undo what was done last before a segment: bring back what was taken away, or unwrite what was written.

        The segment as it is now; None where there is nothing to undo.
        """
        index = self._last_final(before)
        if self._undone and (index is None or self._undone[-1].id > self.segments[index].id):
            return self.redo()
        last = None if index is None else self.segments[index].last
        if index is None or not isinstance(last, Written):
            return None
        self.segments[index] = Segment(as_recognised(last), edited=True)
        return self.segments[index]

    def show_raw(self, is_raw: bool) -> None:
        """Show, and save, the words as they were recognised, or the written text again."""
        self.is_raw = is_raw
        self.segments = [replace(segment, is_raw=is_raw) for segment in self.segments]

    def finals(self) -> list[Final]:
        """What is to be saved: every segment, the one in progress as it stands."""
        return [
            segment.said
            if isinstance(segment.said, Final)
            else Final(segment.id, segment.said.revision, segment.said.words)
            for segment in self.segments
        ]

    def find(self, query: str) -> list[int]:
        """Indices of the segments that contain a text, in any case."""
        wanted = query.casefold()
        return [index for index, segment in enumerate(self.segments) if wanted in segment.said.text.casefold()]

    def index_of(self, segment_id: int) -> int | None:
        """Where a segment is; None where it is not shown."""
        return self._index.get(segment_id)

    def _last_final(self, before: int | None = None) -> int | None:
        for index in range(len(self.segments) - 1, -1, -1):
            segment = self.segments[index]
            if segment.is_final and (before is None or segment.id < before):
                return index
        return None

    def _insert(self, segment: Segment) -> None:
        index = len(self.segments)
        while index and self.segments[index - 1].id > segment.id:
            index -= 1
        self.segments.insert(index, segment)
        self._renumber(index)

    def _drop(self, index: int) -> Segment:
        segment = self.segments[index]
        self._undone.append(segment)
        self._dropped.add(segment.id)
        self._remove(index)
        return segment

    def _remove(self, index: int) -> None:
        del self._index[self.segments.pop(index).id]
        self._renumber(index)

    def _renumber(self, start: int) -> None:
        for index in range(start, len(self.segments)):
            self._index[self.segments[index].id] = index


def as_recognised(text: Written) -> Final:
    """The raw words of written text, a revision higher."""
    return Final(text.segment_id, text.revision + 1, text.raw)


def edited(said: Transcript, text: str) -> Final:
    """A segment with a user's words: those that stay keep their times, new ones share the time of what they replace.

    said: with at least one word; its raw words stay with it. A user's word is certain.
    """
    old, new = said.words, text.split()
    words = list(old[:0])  # of their type
    matcher = difflib.SequenceMatcher(None, [word.text for word in old], new, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            words += old[first:last]
            continue
        start_s = old[first].start_s if first < last else old[max(0, first - 1)].end_s
        end_s = old[last - 1].end_s if first < last else old[min(first, len(old) - 1)].start_s
        step = max(0.0, end_s - start_s) / max(1, end - begin)
        for place, text_of_word in enumerate(new[begin:end]):
            at = start_s + place * step
            words.append(replace(old[0], text=text_of_word, start_s=at, end_s=at + step, confidence=1.0))
    final = Final(said.segment_id, said.revision + 1, tuple(words))
    if not isinstance(said, Written):
        return final
    return replace(said, revision=final.revision, words=final.words, tokens=realigned(said.tokens, text, "edit"))
