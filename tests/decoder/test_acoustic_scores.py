import numpy as np
import pytest

from decoder.acoustic_scores import AcousticScores, label_priors
from decoder.search import SMALLEST_LOG_PROB, SearchOptions

LOG_PROBS = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.5, 1e-30]], np.float32))
PRIORS = (0.6, 0.3, 0.1)


def scores(scale: float) -> np.ndarray:
    return AcousticScores(3, SearchOptions(prior_scale=scale, label_priors=PRIORS))(LOG_PROBS)


def test_without_a_scale_they_are_the_posteriors() -> None:
    assert np.exp(scores(0.0)[0]) == pytest.approx([0.7, 0.2, 0.1])
    assert scores(0.0)[1, 2] == SMALLEST_LOG_PROB


def test_with_all_of_the_prior_they_are_posterior_over_prior() -> None:
    ratios = np.array([0.7, 0.2, 0.1]) / PRIORS
    assert np.exp(scores(1.0)[0]) == pytest.approx(ratios / ratios.sum(), rel=1e-3)


def test_they_stay_probabilities_of_a_frame() -> None:
    assert np.exp(scores(0.5)).sum(axis=1) == pytest.approx(1.0)


def test_a_label_that_was_never_heard_is_not_preferred_without_bounds() -> None:
    never = AcousticScores(3, SearchOptions(prior_scale=1.0, label_priors=(0.7, 0.3, 0.0)))(LOG_PROBS)
    assert np.exp(never[1, 2]) < 1e-6


def test_priors_of_other_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 label priors do not belong to 3 labels"):
        AcousticScores(3, SearchOptions(prior_scale=0.3, label_priors=(0.5, 0.5)))


@pytest.mark.parametrize("wrong", [-0.5, 1.5, np.nan, np.inf])
def test_priors_that_are_no_probabilities_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="no probability"):
        AcousticScores(2, SearchOptions(prior_scale=0.5, label_priors=(0.5, wrong)))


def test_priors_weigh_corpora_alike() -> None:
    large = np.log(np.array([[[0.9, 0.1]] * 50, [[0.8, 0.2]] * 50], np.float32))
    small = np.log(np.array([[[0.5, 0.5]]], np.float32))
    assert label_priors([list(large), list(small)]) == pytest.approx((0.675, 0.325), abs=1e-5)
