"""CTC prefix beam search through a pronunciation lexicon with a word n-gram, frame by frame.

The search is that of Hannun et al., First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs (2014), restricted to the prefix tree of a lexicon: a hypothesis is a word
history, a node of the tree and the last label, with the probability of all its paths that end in blank and
of those that end in the label. Within a word it is ranked with the best unigram score below its node, which
the n-gram score of the word takes the place of when the word is complete; what the word earns as a hotword
is in both.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from decoder.acoustic_scores import AcousticScores
from decoder.beam_session import BeamSession
from decoder.checks import check_labels
from decoder.hotwords import Hotwords
from decoder.lexicon import Lexicon
from decoder.lm import LanguageModel
from decoder.native_search import lexicon_search, settings_of
from decoder.search import SearchOptions
from decoder.word_scores import WordLM, WordScores


@dataclass(frozen=True, slots=True)
class LexiconBeamOptions(SearchOptions):
    """Options of the search.

    recombine: of hypotheses that the future cannot tell apart (same language-model state, node and label)
        only the best is kept: far more different ones fit in the beam, at the cost of the n-best list.
    """

    beam_width: int = 150
    beam_prune_logp: float = -14.0
    token_min_logp: float = -8.0
    recombine: bool = True


class LexiconBeamDecoder:
    """A decoder of the words of a lexicon; shared and immutable."""

    def __init__(
        self,
        lexicon: Lexicon,
        labels: Sequence[str],
        blank: int,
        lm: LanguageModel | None,
        frame_duration_s: float,
        options: LexiconBeamOptions | None = None,
    ) -> None:
        """Raise ValueError for a lexicon that spells words with the blank or with labels that are lacking.

        So too for priors of other labels.
        """
        check_labels(labels, blank, frame_duration_s)
        if (lexicon.label[1:] == blank).any() or (lexicon.label >= len(labels)).any():
            raise ValueError("the lexicon's pronunciations have the blank, or labels that the model lacks")
        self.lexicon, self.lm, self.blank = lexicon, lm, blank
        self.labels, self.width = tuple(labels), len(labels)
        self.frame_duration_s = frame_duration_s
        self.options = options or LexiconBeamOptions()
        self.scores = AcousticScores(len(labels), self.options)
        self.word_lm = WordLM(lm, lexicon.words, _weights(self.options))
        self.lookahead = lexicon.lookahead(self.word_lm.unigrams)

    def with_options(self, options: LexiconBeamOptions) -> "LexiconBeamDecoder":
        """A decoder of the same words and labels that searches otherwise."""
        decoder = self._derived(self.lexicon, self.word_lm.with_weights(_weights(options)))
        decoder.options, decoder.scores = options, AcousticScores(len(self.labels), options)
        return decoder

    def with_vocabulary(self, entries: Iterable[tuple[str, Sequence[str]]]) -> "LexiconBeamDecoder":
        """A decoder of more words, each with the labels of a pronunciation; a word may recur.

        Words that the language model does not know count as rare ones, not as impossible ones. Raises
        ValueError that names the entry for a pronunciation with the blank or with labels that are lacking.
        """
        numbers = {label: number for number, label in enumerate(self.labels) if number != self.blank}
        spelled = [(word, _numbered(word, labels, numbers)) for word, labels in entries]
        if not spelled:
            return self
        lexicon = self.lexicon.extended(spelled)
        expected = {lexicon.numbers[word] for word, _ in spelled}
        return self._derived(lexicon, self.word_lm.with_words(lexicon.words, expected))

    def with_hotwords(self, weights: Mapping[str, float]) -> "LexiconBeamDecoder":
        """A decoder that expects these words and phrases, in place of those that this one expects.

        weights: the bonus, a natural logarithm above 0, of each word of a phrase. Raises ValueError that
        names the phrase for a word that the lexicon lacks, or for a weight that is not such a number.
        """
        hotwords = Hotwords(weights, self.lexicon.numbers)
        return self._derived(self.lexicon, self.word_lm.with_hotwords(hotwords))

    def session(self) -> BeamSession:
        """A new session at the start of a stream."""
        settings = settings_of(self.options, len(self.labels), self.blank, self.frame_duration_s)
        highest, recombine = self.word_lm.highest, self.options.recombine
        search = lexicon_search(self.lexicon, self.lookahead, highest, settings, recombine)
        return BeamSession(search, WordScores(self.word_lm), self.scores, self.frame_duration_s)

    def _derived(self, lexicon: Lexicon, word_lm: WordLM) -> "LexiconBeamDecoder":
        """A decoder of other words and scores; what it does not change it shares."""
        decoder = copy.copy(self)
        decoder.lexicon, decoder.word_lm = lexicon, word_lm
        decoder.lookahead = lexicon.lookahead(word_lm.unigrams)
        return decoder


def _weights(options: LexiconBeamOptions) -> tuple[float, float, float]:
    return options.alpha, options.beta, options.unk_score_offset


def _numbered(word: str, labels: Sequence[str], numbers: Mapping[str, int]) -> list[int]:
    """The label indices of a pronunciation."""
    unknown = [label for label in labels if label not in numbers]
    if unknown:
        raise ValueError(f"the pronunciation of {word!r} has {unknown[0]!r}, which the model does not have")
    return [numbers[label] for label in labels]
