"""CTC prefix beam search through a pronunciation lexicon with a word n-gram, frame by frame, in numpy.

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

import numpy as np
import numpy.typing as npt

from decoder.checks import check_labels, checked_log_probs
from decoder.history import COMMITTED, HistoryTable
from decoder.hotwords import Hotwords
from decoder.hypotheses import Arrivals, Beam, expand, merge
from decoder.lexicon import ROOT, Lexicon
from decoder.lm import LanguageModel
from decoder.search import SMALLEST_LOG_PROB, SearchOptions, frames_per_tick, timed_words
from decoder.types import Hypothesis, LogProbs, Scores, Word
from decoder.word_scores import WordLM, WordScores

_REMEMBERED_SCORES = 30_000
"""How many language-model answers a session keeps before it starts afresh: some 10 MB."""

_IMPOSSIBLE = -1e300
"""Less than any hypothesis ranks, more than the logarithm of 0."""


@dataclass(frozen=True, slots=True)
class LexiconBeamOptions(SearchOptions):
    """Options of the search.

    recombine: of hypotheses that the future cannot tell apart (same language-model state, node and label)
        only the best is kept: far more different ones fit in the beam, at the cost of the n-best list.
    """

    beam_width: int = 150
    beam_prune_logp: float = -14.0
    token_min_logp: float = -6.0
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
        """Raise ValueError for a lexicon that spells words with the blank or with labels that are lacking."""
        check_labels(labels, blank, frame_duration_s)
        if (lexicon.label[1:] == blank).any() or (lexicon.label >= len(labels)).any():
            raise ValueError("the lexicon's pronunciations have the blank, or labels that the model lacks")
        self.lexicon, self.lm, self.blank = lexicon, lm, blank
        self.labels, self.width = tuple(labels), len(labels)
        self.frame_duration_s = frame_duration_s
        self.options = options or LexiconBeamOptions()
        self.inner = np.diff(lexicon.child_offset) > 0
        self.word_lm = WordLM(lm, lexicon.words, _weights(self.options))
        self.lookahead = lexicon.lookahead(self.word_lm.unigrams)

    def with_options(self, options: LexiconBeamOptions) -> "LexiconBeamDecoder":
        """A decoder of the same words and labels that searches otherwise."""
        decoder = self._derived(self.lexicon, self.word_lm.with_weights(_weights(options)))
        decoder.options = options
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

    def session(self) -> "LexiconBeamSession":
        """A new session at the start of a stream."""
        return LexiconBeamSession(self)

    def _derived(self, lexicon: Lexicon, word_lm: WordLM) -> "LexiconBeamDecoder":
        """A decoder of other words and scores; what it does not change it shares."""
        decoder = copy.copy(self)
        decoder.lexicon, decoder.word_lm = lexicon, word_lm
        decoder.inner = np.diff(lexicon.child_offset) > 0
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


class LexiconBeamSession:
    """The search through one stream; its result does not depend on how the stream is cut into chunks."""

    def __init__(self, decoder: LexiconBeamDecoder) -> None:
        self._decoder = decoder
        self._options = decoder.options
        self._word_scores = WordScores(decoder.word_lm)
        self._table = HistoryTable(len(decoder.lexicon.words))
        start = np.zeros(1, np.intp)
        self._beam = Beam(start, start, start + decoder.width, start, np.ones(1), np.zeros(1))
        self._log_scale = 0.0  # natural log of what the beam's masses are to be multiplied by
        self._frame = 0
        self._frames_per_tick = frames_per_tick(decoder.frame_duration_s)
        self._committed: list[Word] = []
        self._finished = False

    def accept(self, log_probs: LogProbs) -> Hypothesis:
        """Advance by log_probs (T, V); the complete words of the best hypothesis so far.

        Raises ValueError for bad input and for a finished session.
        """
        if self._finished:
            raise ValueError("the decoding session is finished")
        decoder = self._decoder
        frames = checked_log_probs(log_probs, decoder.width).clip(min=SMALLEST_LOG_PROB)
        probs = np.zeros((len(frames), decoder.width + 1))  # the last column is the start's lack of a label
        np.exp(frames, out=probs[:, :-1])
        usable = (frames >= self._options.token_min_logp) | (frames == frames.max(axis=1, keepdims=True))
        usable[:, decoder.blank] = False
        speaks = usable.any(axis=1)
        with np.errstate(divide="ignore"):
            for t in range(len(frames)):
                if speaks[t]:
                    self._step(probs[t], usable[t])
                else:
                    self._stay(probs[t])
                self._frame += 1
                if self._frame % self._frames_per_tick == 0:
                    self._tick()
        return self.nbest(1)[0]

    def finish(self) -> Hypothesis:
        """The best hypothesis at the end of the sentence; the session takes no more input.

        Unfinished words are left out: hypotheses at a word's end come first, and where there are none the
        best one's complete words are the answer.
        """
        if not self._finished:
            self._finished = True
            complete = self._beam.node == ROOT
            if complete.any():
                self._beam = self._beam.take(complete)
            else:
                self._beam = self._beam.take(np.array([int(self._ranks().argmax())]))
        return self.nbest(1)[0]

    def nbest(self, n: int) -> list[Hypothesis]:
        """At most n hypotheses with different words, best first.

        At the end a word sequence has the probability of all its paths, and the sentence's end is scored;
        before, it stands for its best hypothesis, whose unfinished word counts but is left out.
        """
        beam, table = self._beam, self._table
        histories, group = np.unique(beam.history, return_inverse=True)
        lm, mass, ranks = table.lm[histories], beam.blank_mass + beam.label_mass, self._ranks()
        if self._finished:
            lm = lm + np.array([self._word_scores.eos(state) for state in table.state[histories].tolist()])
            acoustic = np.log(np.bincount(group, mass))
            ranks = acoustic + lm
        else:
            order = ranks.argsort(kind="stable")
            best = np.empty(len(histories), np.intp)
            best[group[order]] = order
            acoustic, ranks = np.log(mass[best]), ranks[best]
        return [
            self._hypothesis(int(histories[i]), float(acoustic[i]), float(lm[i]))
            for i in (-ranks).argsort(kind="stable")[:n].tolist()
        ]

    def _stay(self, probs: Scores) -> None:
        """Pass a frame that only blank and the repetition of labels can explain."""
        beam = self._beam
        total = beam.blank_mass + beam.label_mass
        beam.blank_mass = total * probs[self._decoder.blank]
        beam.label_mass = beam.label_mass * probs[beam.last]
        self._rescale()

    def _step(self, probs: Scores, usable: npt.NDArray[np.bool_]) -> None:
        """Pass a frame: stay, go on to the labels below, complete words; merge and prune."""
        arrivals = self._extended(probs, usable)
        beam = self._beam
        total = beam.blank_mass + beam.label_mass
        beam.blank_mass = total * probs[self._decoder.blank]
        beam.label_mass = beam.label_mass * probs[beam.last]
        stays = self._ranks()

        floor = self._floor(np.concatenate([stays, arrivals.score]))
        arrivals = arrivals.take(np.flatnonzero(arrivals.score >= floor))
        completed = self._completed(arrivals, floor)
        inner = self._decoder.inner[arrivals.node]  # at a leaf there is nothing to come but its words
        self._merge(beam.take(stays >= floor), arrivals.take(inner), completed)
        self._prune()
        self._rescale()

    def _floor(self, ranks: Scores) -> float:
        """What a hypothesis must rank above, to have a place in the beam before words are completed."""
        options = self._options
        floor = max(float(ranks.max()) + options.beam_prune_logp, _IMPOSSIBLE)
        if len(ranks) > options.beam_width:
            floor = max(floor, float(np.partition(ranks, -options.beam_width)[-options.beam_width]))
        return floor

    def _extended(self, probs: Scores, usable: npt.NDArray[np.bool_]) -> Arrivals:
        """The arrivals at children of live nodes whose label is usable."""
        beam, tree, decoder = self._beam, self._decoder.lexicon, self._decoder
        source, child = expand(tree.child_offset, beam.node)
        kept = np.flatnonzero(usable[tree.label[child]])
        source, child = source[kept], child[kept]
        label = tree.label[child]
        # after the same label only paths that end in blank give a new one
        before = beam.blank_mass + beam.label_mass
        mass = np.where(label == beam.last[source], beam.blank_mass[source], before[source]) * probs[label]
        history = beam.history[source]
        score = np.log(mass) + self._table.lm[history] + decoder.lookahead[child]
        start = np.where(beam.node[source] == ROOT, self._frame, beam.start[source])
        return Arrivals(history, child, label, start, mass, score)

    def _completed(self, arrivals: Arrivals, floor: float) -> Arrivals:
        """The arrivals at the end of words once more, with the word added to their history."""
        tree, table = self._decoder.lexicon, self._table
        source, place = expand(tree.word_offset, arrivals.node)
        words = tree.word_ids[place]
        parents = arrivals.history[source]
        gain, states = self._word_scores.score(table.state[parents], words)
        mass = arrivals.mass[source]
        lm = table.lm[parents] + gain
        score = np.log(mass) + lm + self._decoder.lookahead[ROOT]
        kept = np.flatnonzero(score >= min(floor, score.max(initial=-np.inf)))  # lest nothing should be left
        source = source[kept]
        history = table.extend(parents[kept], words[kept], lm[kept], states[kept])
        root = np.zeros(len(kept), np.intp)
        return Arrivals(history, root, arrivals.last[source], arrivals.start[source], mass[kept], score[kept])

    def _merge(self, beam: Beam, arrivals: Arrivals, completed: Arrivals) -> None:
        """Add up what is the same; a word's time is that of an arrival that outweighs what was there."""
        sizes = (self._decoder.lexicon.nodes, self._decoder.width + 1)
        self._beam, chosen = merge(beam, arrivals, completed, sizes)
        history, mass = self._beam.history, self._beam.blank_mass + self._beam.label_mass
        most = np.zeros(self._table.size)
        np.maximum.at(most, history, mass)
        words = chosen[(chosen >= 0) & (mass == most[history])]
        self._table.start[completed.history[words]] = completed.start[words]
        self._table.end[completed.history[words]] = self._frame + 1

    def _prune(self) -> None:
        """Keep the best hypotheses, best first."""
        beam, options = self._beam, self._options
        ranks = self._ranks()
        order = (-ranks).argsort(kind="stable")
        order = order[: np.count_nonzero(ranks >= ranks[order[0]] + options.beam_prune_logp)]
        if options.recombine:
            state = self._table.state[beam.history[order]]
            future = state * self._decoder.lexicon.nodes + beam.node[order]
            future = future * (self._decoder.width + 1) + beam.last[order]
            order = order[np.sort(np.unique(future, return_index=True)[1])]
        self._beam = beam.take(order[: options.beam_width])

    def _ranks(self) -> Scores:
        """What hypotheses are compared by: probability, words, and the best word to come."""
        beam = self._beam
        ranks: Scores = np.log(beam.blank_mass + beam.label_mass)
        ranks += self._table.lm[beam.history]
        ranks += self._decoder.lookahead[beam.node]
        return ranks

    def _rescale(self) -> None:
        """Keep the masses from vanishing."""
        beam = self._beam
        scale = float((beam.blank_mass + beam.label_mass).max())
        beam.blank_mass = beam.blank_mass / scale
        beam.label_mass = beam.label_mass / scale
        self._log_scale += float(np.log(scale))

    def _tick(self) -> None:
        """At fixed frames: measure confidences, commit words, forget what is dead."""
        table = self._table
        self._measure()
        root = self._commit()
        self._beam.history = table.compact(self._beam.history, root)
        if len(self._word_scores) > _REMEMBERED_SCORES:
            table.state[: table.size] = self._word_scores.forget(table.state[: table.size])

    def _best(self) -> int:
        """The history of the best hypothesis."""
        return int(self._beam.history[int(self._ranks().argmax())])

    def _measure(self) -> None:
        """Take the confidence of the best hypothesis's words that ended long enough ago."""
        table = self._table
        due = self._frame - self._options.confidence_delay_s / self._decoder.frame_duration_s
        for history in table.path(self._best()):
            if table.end[history] <= due:
                table.confidence[history] = self._confidence(history)

    def _commit(self) -> int:
        """Commit old words and those that all hypotheses share; the last one's history."""
        table = self._table
        old = self._frame - self._options.commit_after_s / self._decoder.frame_duration_s
        best = self._best()
        while best != COMMITTED and table.end[best] > old:
            best = int(table.parent[best])
        if best != COMMITTED:
            self._beam = self._beam.take(table.lift(self._beam.history, int(table.depth[best])) == best)
        root = table.shared(self._beam.history)
        self._committed += self._words(root)
        return root

    def _confidence(self, history: int) -> float:
        """The share of the live hypotheses that agree with the last word of a history."""
        if (known := float(self._table.confidence[history])) >= 0:
            return known
        ranks = self._ranks()
        weights = np.exp(ranks - ranks.max())
        return float(weights[self._table.agreeing(self._beam.history, history)].sum() / weights.sum())

    def _words(self, history: int) -> list[Word]:
        """The words of a history after the committed ones, their times in order."""
        table, texts = self._table, self._decoder.lexicon.words
        steps = (
            (texts[int(table.word[step])], int(table.start[step]), int(table.end[step]), self._confidence(step))
            for step in table.path(history)
        )
        return timed_words(steps, self._committed, self._decoder.frame_duration_s)

    def _hypothesis(self, history: int, acoustic: float, lm: float) -> Hypothesis:
        words = (*self._committed, *self._words(history))
        stable = len(words) if self._finished else len(self._committed)
        return Hypothesis(words, stable, acoustic + self._log_scale, lm)
