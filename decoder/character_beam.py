"""Incremental CTC beam search over characters or word pieces with an optional word n-gram; any word can be spelled.

The search of pyctcdecode's decode_beams, whose option names and meanings it keeps, made to take a stream in
pieces: one call for a whole utterance and a call for each frame give the same.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from decoder.checks import check_labels, checked_log_probs
from decoder.lm import LN10, LanguageModel
from decoder.search import SMALLEST_LOG_PROB, SearchOptions, frames_per_tick, timed_words
from decoder.types import Hypothesis, LogProbs, Word

_USUAL_LENGTH = 6
"""Characters of an ordinary word; a longer unknown one costs in proportion."""


@dataclass(frozen=True, slots=True)
class CharacterBeamOptions(SearchOptions):
    """Options of the search; unk_score_offset is added to the score of an unknown word's beginning, too.

    Spelling leaves more open than a lexicon does: it takes six seconds until a decision costs no accuracy.
    """

    commit_after_s: float = 6.0


@dataclass(slots=True, eq=False)
class _History:
    """A word after a history of words, with the frames it spans; the root has no word.

    lm: weighted language-model score of all words; state: the model's state after them.
    """

    parent: "_History | None"
    text: str
    lm: float
    state: Any
    depth: int = 0
    start: int = 0
    end: int = 0
    confidence: float = -1.0
    children: "dict[str, _History]" = field(default_factory=dict)

    def path(self) -> "Iterator[_History]":
        """The histories from below the root down to this one."""
        steps, step = [], self
        while step.parent is not None:
            steps.append(step)
            step = step.parent
        return reversed(steps)

    def lifted(self, depth: int) -> "_History":
        """The ancestor at a depth, itself where it is not deeper."""
        step = self
        while step.depth > depth and step.parent is not None:
            step = step.parent
        return step


@dataclass(slots=True)
class _Beam:
    """A history, the letters after it and the last label; rank orders the beams."""

    history: _History
    letters: str
    last: int
    start: int
    end: int
    log_prob: float
    rank: float = 0.0


class CharacterBeamDecoder:
    """A beam search over labels that spell words.

    A label that begins with the delimiter begins a word: with " " as the delimiter among letters that label
    separates words, with "▁" among pieces "▁the" and "re" spell "there".
    """

    def __init__(
        self,
        labels: Sequence[str],
        blank: int,
        lm: LanguageModel | None,
        frame_duration_s: float,
        options: CharacterBeamOptions | None = None,
        word_delimiter: str = " ",
    ) -> None:
        """Raise ValueError for labels of which none begins a word, or a blank that is none of them."""
        check_labels(labels, blank, frame_duration_s)
        self.labels = tuple(labels)
        self.blank = blank
        self.word_delimiter = word_delimiter
        self.opens = [label.startswith(word_delimiter) for label in labels]
        self.pieces = [label.removeprefix(word_delimiter) for label in labels]
        if not any(self.opens):
            raise ValueError(f"no label begins with the word delimiter {word_delimiter!r}")
        self.lm = lm
        self.frame_duration_s = frame_duration_s
        self.options = options or CharacterBeamOptions()

    def session(self) -> "CharacterBeamSession":
        """A new session at the start of a stream."""
        return CharacterBeamSession(self)


class CharacterBeamSession:
    """The search through one stream; its result does not depend on how the stream is cut into chunks."""

    def __init__(self, decoder: CharacterBeamDecoder) -> None:
        self._decoder = decoder
        self._options = decoder.options
        state = decoder.lm.bos_state() if decoder.lm else None
        self._beams = [_Beam(_History(None, "", 0.0, state), "", -1, 0, 0, 0.0)]
        self._prefix_scores: dict[str, float] = {"": 0.0}
        self._frame = 0
        self._frames_per_tick = frames_per_tick(decoder.frame_duration_s)
        self._committed: list[Word] = []
        self._finished = False

    def accept(self, log_probs: LogProbs) -> Hypothesis:
        """Advance by log_probs (T, V); the best hypothesis so far, its unfinished word left out.

        Raises ValueError for bad input and for a finished session.
        """
        if self._finished:
            raise ValueError("the decoding session is finished")
        frames = checked_log_probs(log_probs, len(self._decoder.labels)).clip(SMALLEST_LOG_PROB, 0.0)
        for frame in frames:
            self._step(frame.tolist(), int(frame.argmax()))
            self._frame += 1
            if self._frame % self._frames_per_tick == 0:
                self._tick()
        return self.nbest(1)[0]

    def finish(self) -> Hypothesis:
        """The best hypothesis at the end of the sentence; the session takes no more input."""
        if not self._finished:
            self._finished = True
            merged: dict[_History, _Beam] = {}
            for beam in self._beams:
                history = self._extended(beam)
                if known := merged.get(history):
                    known.log_prob = _log_sum(known.log_prob, beam.log_prob)
                else:
                    merged[history] = _Beam(history, "", -1, 0, 0, beam.log_prob)
            for beam in merged.values():
                beam.rank = beam.log_prob + beam.history.lm + self._eos(beam.history)
            self._beams = self._pruned(list(merged.values()))
        return self.nbest(1)[0]

    def nbest(self, n: int) -> list[Hypothesis]:
        """At most n hypotheses with different words, best first."""
        best: dict[_History, _Beam] = {}
        for beam in self._beams:
            best.setdefault(beam.history, beam)
        return [self._hypothesis(beam) for beam in list(best.values())[:n]]

    def _step(self, frame: list[float], best: int) -> None:
        """Pass a frame: follow each likely label from each beam, merge, rank and prune."""
        floor = self._options.token_min_logp
        merged: dict[tuple[int, str, int], _Beam] = {}
        for label, value in enumerate(frame):
            if value < floor and label != best:
                continue
            for beam in self._beams:
                after = self._followed(beam, label, value)
                key = (id(after.history), after.letters, label)
                if (known := merged.setdefault(key, after)) is not after:
                    if after.log_prob > known.log_prob:
                        known.start, known.end = after.start, after.end
                    known.log_prob = _log_sum(known.log_prob, after.log_prob)
        for beam in merged.values():
            beam.rank = beam.log_prob + beam.history.lm + self._prefix_score(beam.letters)
        self._beams = self._pruned(list(merged.values()))

    def _followed(self, beam: _Beam, label: int, value: float) -> _Beam:
        """The beam after one more label."""
        decoder, log_prob, end = self._decoder, beam.log_prob + value, self._frame + 1
        if label == decoder.blank:
            return _Beam(beam.history, beam.letters, label, beam.start, beam.end, log_prob)
        if label == beam.last:
            return _Beam(beam.history, beam.letters, label, beam.start, end, log_prob)
        piece = decoder.pieces[label]
        if decoder.opens[label]:
            return _Beam(self._extended(beam), piece, label, self._frame, end, log_prob)
        start = beam.start if beam.letters else self._frame
        return _Beam(beam.history, beam.letters + piece, label, start, end, log_prob)

    def _extended(self, beam: _Beam) -> _History:
        """The history and the word, if any, that a beam has spelled after it."""
        history = beam.history
        if not beam.letters:
            return history
        if known := history.children.get(beam.letters):
            return known
        gain, state = self._word_score(history.state, beam.letters)
        word = _History(history, beam.letters, history.lm + gain, state, history.depth + 1, beam.start, beam.end)
        history.children[beam.letters] = word
        return word

    def _word_score(self, state: Any, word: str) -> tuple[float, Any]:
        lm, options = self._decoder.lm, self._options
        if lm is None:
            return 0.0, None
        log_prob, after = lm.score(state, word)
        unknown = 0.0 if lm.known(word) else options.unk_score_offset * LN10
        return options.alpha * (log_prob + unknown) + options.beta, after

    def _prefix_score(self, letters: str) -> float:
        """The cost of letters that no known word begins with."""
        if (score := self._prefix_scores.get(letters)) is None:
            lm = self._decoder.lm
            score = 0.0
            if lm is not None and not lm.begins_word(letters):
                score = self._options.unk_score_offset * max(1.0, len(letters) / _USUAL_LENGTH)
            self._prefix_scores[letters] = score
        return score

    def _eos(self, history: _History) -> float:
        lm = self._decoder.lm
        return self._options.alpha * lm.eos(history.state) if lm else 0.0

    def _pruned(self, beams: list[_Beam]) -> list[_Beam]:
        """The best beams, best first."""
        floor = max(beam.rank for beam in beams) + self._options.beam_prune_logp
        beams = [beam for beam in beams if beam.rank >= floor]
        beams.sort(key=lambda beam: -beam.rank)
        return beams[: self._options.beam_width]

    def _tick(self) -> None:
        """At fixed frames: measure confidences, commit words, forget dead histories."""
        duration, options = self._decoder.frame_duration_s, self._options
        best = self._beams[0].history
        for step in best.path():
            if step.confidence < 0 and step.end <= self._frame - options.confidence_delay_s / duration:
                step.confidence = self._confidence(step)
        while best.parent is not None and best.end > self._frame - options.commit_after_s / duration:
            best = best.parent
        self._beams = [beam for beam in self._beams if beam.history.lifted(best.depth) is best]
        self._commit()
        self._prefix_scores = {"": 0.0}

    def _commit(self) -> None:
        """Commit the words that all beams share, and keep only live histories after them."""
        live = {beam.history for beam in self._beams}
        depth = min(history.depth for history in live)
        shared = {history.lifted(depth) for history in live}
        while len(shared) > 1:
            shared = {history.parent or history for history in shared}
        root = shared.pop()
        self._committed += self._words(root)
        root.parent = None
        root.children.clear()
        for history in live:
            for step in history.path():
                step.children.clear()
        for history in live:
            for step in history.path():
                assert step.parent is not None
                step.parent.children[step.text] = step

    def _confidence(self, word: _History) -> float:
        """The share of the beams that have this word in the middle of its time."""
        if word.confidence >= 0:
            return word.confidence
        middle = (word.start + word.end) / 2
        agreeing = total = 0.0
        for beam in self._beams:
            weight = math.exp(beam.rank - self._beams[0].rank)
            step: _History | None = beam.history
            while step is not None and step.start > middle:
                step = step.parent
            total += weight
            if step is not None and step.parent is not None and step.text == word.text and step.end >= middle:
                agreeing += weight
        return agreeing / total

    def _words(self, history: _History) -> list[Word]:
        """The words of a history after the committed ones, their times in order."""
        steps = ((step.text, step.start, step.end, self._confidence(step)) for step in history.path())
        return timed_words(steps, self._committed, self._decoder.frame_duration_s)

    def _hypothesis(self, beam: _Beam) -> Hypothesis:
        words = (*self._committed, *self._words(beam.history))
        stable = len(words) if self._finished else len(self._committed)
        lm = beam.history.lm + (self._eos(beam.history) if self._finished else 0.0)
        return Hypothesis(words, stable, beam.log_prob, lm)


def _log_sum(a: float, b: float) -> float:
    """ln(exp(a) + exp(b))."""
    high, low = (a, b) if a >= b else (b, a)
    return high + math.log1p(math.exp(low - high))
