"""Best-path CTC decoding: the most probable label of each frame, repeats and blanks removed."""

from collections.abc import Sequence

import numpy as np

from decoder.checks import check_labels, checked_log_probs, delimiter_index
from decoder.types import Hypothesis, LogProbs, Word


class GreedyDecoder:
    """Streaming best path over labels that spell words, one of which separates them."""

    def __init__(self, labels: Sequence[str], blank: int, frame_duration_s: float, word_delimiter: str = " ") -> None:
        """Raise ValueError for labels without the delimiter, or a blank that is none of them."""
        check_labels(labels, blank, frame_duration_s)
        self.labels = tuple(labels)
        self.blank = blank
        self.delimiter = delimiter_index(labels, word_delimiter)
        self.frame_duration_s = frame_duration_s

    def session(self) -> "GreedySession":
        """A new session at the start of a stream."""
        return GreedySession(self)


class GreedySession:
    """The best path of one stream; every word but the unfinished last one is stable."""

    def __init__(self, decoder: GreedyDecoder) -> None:
        self._decoder = decoder
        self._words: list[Word] = []
        self._letters: list[str] = []
        self._posteriors: list[float] = []
        self._start = self._end = 0
        self._previous = decoder.blank
        self._frame = 0
        self._score = 0.0
        self._finished = False

    def accept(self, log_probs: LogProbs) -> Hypothesis:
        """Advance by log_probs (T, V); the words so far. ValueError for bad input or a finished session."""
        if self._finished:
            raise ValueError("the decoding session is finished")
        frames = checked_log_probs(log_probs, len(self._decoder.labels))
        if len(frames):
            best = frames.argmax(axis=1)
            values = frames[np.arange(len(frames)), best]
            for label, value in zip(best.tolist(), values.tolist(), strict=True):
                self._step(label, value)
        return self._hypothesis()

    def finish(self) -> Hypothesis:
        """All words, every one stable; the session takes no more input."""
        self._close_word()
        self._finished = True
        return self._hypothesis()

    def _step(self, label: int, log_prob: float) -> None:
        decoder = self._decoder
        if label == decoder.delimiter:
            self._close_word()
        elif label != decoder.blank:
            if label != self._previous:
                if not self._letters:
                    self._start = self._frame
                self._letters.append(decoder.labels[label])
            self._posteriors.append(min(1.0, float(np.exp(log_prob))))
            self._end = self._frame + 1
        self._previous = label
        self._score += log_prob
        self._frame += 1

    def _close_word(self) -> None:
        if self._letters:
            self._words.append(self._word())
        self._letters, self._posteriors = [], []

    def _word(self) -> Word:
        """The open word; its confidence is the mean posterior of the frames that show its labels."""
        confidence = sum(self._posteriors) / len(self._posteriors)
        duration = self._decoder.frame_duration_s
        return Word("".join(self._letters), self._start * duration, self._end * duration, confidence)

    def _hypothesis(self) -> Hypothesis:
        open_word = (self._word(),) if self._letters else ()
        return Hypothesis((*self._words, *open_word), len(self._words), self._score, 0.0)
