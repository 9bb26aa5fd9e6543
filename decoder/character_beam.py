"""Incremental CTC beam search over characters or word pieces with an optional word n-gram; any word can be spelled.

The search of pyctcdecode's decode_beams, whose option names and meanings it keeps, made to take a stream in
pieces: one call for a whole utterance and a call for each frame give the same.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from decoder.acoustic_scores import AcousticScores
from decoder.beam_session import BeamSession
from decoder.checks import check_labels
from decoder.lm import LN10, LanguageModel
from decoder.native_search import Spelling, character_search, settings_of
from decoder.search import SearchOptions
from decoder.types import Scores
from decoder.word_scores import Contexts


@dataclass(frozen=True, slots=True)
class CharacterBeamOptions(SearchOptions):
    """Options of the search; unk_score_offset is added to the score of an unknown word's beginning, too.

    Spelling leaves more open than a lexicon does: it takes six seconds until a decision costs no accuracy.
    """

    commit_after_s: float = 6.0


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
        """Raise ValueError for labels of which none begins a word, and for a blank or priors of other labels."""
        check_labels(labels, blank, frame_duration_s)
        self.labels = tuple(labels)
        self.blank = blank
        self.word_delimiter = word_delimiter
        opens = [label.startswith(word_delimiter) for label in labels]
        pieces = [label.removeprefix(word_delimiter) for label in labels]
        if not any(opens):
            raise ValueError(f"no label begins with the word delimiter {word_delimiter!r}")
        self.lm = lm
        self.spelling = Spelling(pieces, opens, lm.known_words() if lm else None)
        self.frame_duration_s = frame_duration_s
        self.options = options or CharacterBeamOptions()
        self.scores = AcousticScores(len(labels), self.options)

    def with_options(self, options: CharacterBeamOptions) -> "CharacterBeamDecoder":
        """A decoder of the same labels that searches otherwise."""
        decoder = copy.copy(self)
        decoder.options, decoder.scores = options, AcousticScores(len(self.labels), options)
        return decoder

    def session(self) -> BeamSession:
        """A new session at the start of a stream."""
        settings = settings_of(self.options, len(self.labels), self.blank, self.frame_duration_s)
        search = character_search(self.spelling, settings, self.options.unk_score_offset)
        words = _SpelledWords(self.lm, self.options, search.spelled)
        return BeamSession(search, words, self.scores, self.frame_duration_s)


class _SpelledWords:
    """What the search asks about words, which it numbers as it spells them."""

    def __init__(self, lm: LanguageModel | None, options: CharacterBeamOptions, spelled: Callable[[int], str]) -> None:
        self._lm, self._options, self._spelled = lm, options, spelled
        self._texts: dict[int, str] = {}
        self._contexts = Contexts(lm.bos_state() if lm else None)

    def answers(self, contexts: Sequence[int], words: Sequence[int]) -> tuple[Scores, Sequence[int]]:
        """The scores (n,) of words (n,), each in its context, and the contexts after them."""
        lm, options = self._lm, self._options
        if lm is None:
            return np.zeros(len(words)), contexts
        texts = list(map(self.text, words))
        log_probs, after = lm.scores(self._contexts.at(contexts), texts)
        unknown = np.array([0.0 if lm.known(text) else options.unk_score_offset * LN10 for text in texts])
        return options.alpha * (log_probs + unknown) + options.beta, self._contexts.numbers(after)

    def ends(self, contexts: Sequence[int]) -> Scores:
        """The scores (n,) of the end of the sentence in contexts (n,)."""
        if self._lm is None:
            return np.zeros(len(contexts))
        return self._options.alpha * np.array([self._lm.eos(state) for state in self._contexts.at(contexts)])

    def text(self, word: int) -> str:
        """How a word is written."""
        if (text := self._texts.get(word)) is None:
            text = self._texts[word] = self._spelled(word)
        return text

    def keep(self, contexts: Sequence[int]) -> None:
        """Forget the other contexts; each of these has its place as its number from now on. Words have new ones."""
        self._contexts.keep(contexts)
        self._texts.clear()
