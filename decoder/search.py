"""What the two beam searches share: options, and the smallest probability."""

import math
from dataclasses import dataclass

SMALLEST_LOG_PROB = math.log(1e-15)
"""Log-probabilities below it count as it, so that no path is impossible."""

WIDEST_BEAM = 1_000_000
LARGEST_WEIGHT = 1e6
"""Bounds of what the searches reckon with: they take 32-bit widths, and every hypothesis is to have a finite score."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Options of a beam search.

    alpha, beta: weight of the language model's natural logarithms, and the bonus of each word.
    prior_scale, label_priors: how much of the labels' own probabilities (V,) is taken off (decoder.acoustic_scores);
        none without them.
    beam_width: hypotheses kept after a frame.
    beam_prune_logp: hypotheses this far below the best are dropped (natural log, negative).
    token_min_logp: labels below this are not followed in a frame, its best one excepted (natural log).
    unk_score_offset: added to the base-10 score of a word that the language model does not know.
    commit_after_s: words of the best hypothesis that ended this long ago are committed, by dropping what
        disagrees; infinity waits until all hypotheses agree. Three seconds are some eight words of fluent
        speech; an n-gram looks back on two or three, so what such a decision could still learn is next to nothing.
    end_margin_logp: the words so far are those of a hypothesis at a word's end where one is less than this below the
        best (natural log): they are shown sooner, and seldom wrong.
    pause_s: after so long without a label they are in any case.
    confidence_delay_s: a word's confidence is taken this long after its end, when the words after it have
        been weighed, but before the alternatives have left the beam.
    """

    alpha: float = 0.5
    beta: float = 1.5
    prior_scale: float = 0.0
    label_priors: tuple[float, ...] = ()
    beam_width: int = 100
    beam_prune_logp: float = -10.0
    token_min_logp: float = -5.0
    unk_score_offset: float = -10.0
    commit_after_s: float = 3.0
    confidence_delay_s: float = 0.6
    end_margin_logp: float = 2.0
    pause_s: float = 0.24

    def __post_init__(self) -> None:
        if not 1 <= self.beam_width <= WIDEST_BEAM:
            raise ValueError(f"the beam width must be 1 to {WIDEST_BEAM}, not {self.beam_width}")
        for name in ("alpha", "beta", "prior_scale", "unk_score_offset"):
            weight = getattr(self, name)
            if not abs(weight) <= LARGEST_WEIGHT:
                raise ValueError(f"{name} must lie between -{LARGEST_WEIGHT:g} and {LARGEST_WEIGHT:g}, not at {weight}")
        if not (self.beam_prune_logp < 0 and self.token_min_logp < 0):
            raise ValueError("beam_prune_logp and token_min_logp must be below 0")
        if not (self.commit_after_s > 0 and min(self.confidence_delay_s, self.pause_s, self.end_margin_logp) >= 0):
            raise ValueError(
                "commit_after_s must be above 0; confidence_delay_s, pause_s and end_margin_logp not below"
            )
