"""The session of a beam search: frames and answers in, hypotheses out."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from decoder.acoustic_scores import AcousticScores
from decoder.native_search import NativeSearch, Step
from decoder.types import Hypothesis, LogProbs, Scores, Word

_REMEMBERED_SCORES = 1_500
"""How many language-model answers, or beginnings of words, a session keeps before it starts afresh: some 0.1 MB.
They are those of one or two seconds of speech; with 30,000, at 2 MB, 2 % fewer answers are asked for."""

_FRAMES_AT_ONCE = 50
"""A longer chunk is searched in pieces, so that what is remembered has its bounds."""


class Words(Protocol):
    """What a search asks about words in contexts, all of them by numbers."""

    def answers(self, contexts: Sequence[int], words: Sequence[int]) -> tuple[Scores, Sequence[int]]:
        """The scores (n,) of words (n,), each in its context, and the contexts after them."""
        ...

    def ends(self, contexts: Sequence[int]) -> Scores:
        """The scores (n,) of the end of the sentence in contexts (n,)."""
        ...

    def text(self, word: int) -> str:
        """How a word is written."""
        ...

    def keep(self, contexts: Sequence[int]) -> None:
        """Forget the other contexts; each of these has its place as its number from now on."""
        ...


class BeamSession:
    """The search through one stream; its result does not depend on how the stream is cut into chunks."""

    def __init__(self, search: NativeSearch, words: Words, scores: AcousticScores, frame_duration_s: float) -> None:
        self._search, self._words, self._scores = search, words, scores
        self._frame_duration_s = frame_duration_s
        self._committed: list[Word] = []
        self._lasting = 0  # of what the search remembers, what it could not forget: words that go on
        self._finished = False

    def accept(self, log_probs: LogProbs) -> Hypothesis:
        """Advance by log_probs (T, V); the complete words of the best hypothesis so far.

        Raises ValueError for bad input and for a finished session.
        """
        if self._finished:
            raise ValueError("the decoding session is finished")
        frames = self._scores(log_probs)
        for start in range(0, len(frames), _FRAMES_AT_ONCE):
            self._search.feed(frames[start : start + _FRAMES_AT_ONCE])
            self._run()
            if self._search.remembered > max(_REMEMBERED_SCORES, 2 * self._lasting):
                self._words.keep(self._search.forget())
                self._lasting = self._search.remembered
        return self.nbest(1)[0]

    def finish(self) -> Hypothesis:
        """The best hypothesis at the end of the sentence; the session takes no more input.

        Through a lexicon, unfinished words are left out: hypotheses at a word's end come first, and where there
        are none the best one's complete words are the answer.
        """
        if not self._finished:
            self._finished = True
            self._search.close()
            self._run()
            self._search.end(self._words.ends(self._search.final_contexts()))
        return self.nbest(1)[0]

    def nbest(self, n: int) -> list[Hypothesis]:
        """At most n hypotheses with different words, best first.

        At the end a word sequence has the probability of all its paths, and the sentence's end is scored;
        before, it stands for its best hypothesis, whose unfinished word counts but is left out.
        """
        return [self._hypothesis(one.history, one.acoustic, one.lm) for one in self._search.candidates(n)]

    def _run(self) -> None:
        """Search what was fed, and take the words that became certain."""
        while questions := self._search.run():
            self._search.answer(*self._words.answers(*questions))
        self._committed += self._timed(self._search.take_committed())

    def _hypothesis(self, history: int, acoustic: float, lm: float) -> Hypothesis:
        words = (*self._committed, *self._timed(self._search.words(history)))
        return Hypothesis(words, len(words) if self._finished else len(self._committed), acoustic, lm)

    def _timed(self, steps: Iterable[Step]) -> list[Word]:
        """Words after the committed ones, their times in order."""
        words = []
        previous = self._committed[-1].end_s if self._committed else 0.0
        for step in steps:
            start = max(step.start * self._frame_duration_s, previous)
            previous = max(step.end * self._frame_duration_s, start)
            words.append(Word(self._words.text(step.word), start, previous, step.confidence))
        return words
