import numpy as np
import pytest

from decoder.confidence import Calibration, expected_calibration_error, fit


def test_the_error_of_known_bins():
    confidences = [0.95] * 10 + [0.15] * 10
    right = [1] * 9 + [0] + [1] * 5 + [0] * 5
    assert expected_calibration_error(confidences, right) == pytest.approx((0.05 + 0.35) / 2)
    assert expected_calibration_error([1.0, 0.0], [1, 0]) == 0.0
    assert expected_calibration_error([], []) == 0.0


def test_fit_finds_the_calibration_that_made_the_words():
    random = np.random.default_rng(0)
    truth = Calibration(0.4, -0.3)
    shares = random.uniform(0.01, 0.99, 20_000)
    right = random.uniform(size=len(shares)) < [truth(share) for share in shares.tolist()]
    found = fit(shares, right)
    assert (found.slope, found.offset) == pytest.approx((0.4, -0.3), abs=0.05)
    assert expected_calibration_error([found(share) for share in shares.tolist()], right) < 0.02


def test_the_default_changes_next_to_nothing():
    assert [Calibration()(share) for share in (0.0, 0.3, 1.0)] == pytest.approx([0.001, 0.3, 0.999])


@pytest.mark.parametrize(("slope", "low", "high"), [(1e9, 0.0, 1.0), (-1e9, 1.0, 0.0)])
def test_an_extreme_calibration_stays_within_bounds(slope, low, high):
    assert [Calibration(slope)(share) for share in (0.1, 0.9)] == pytest.approx([low, high])


@pytest.mark.parametrize("right", [[], [1, 1], [0, 0]])
def test_fit_needs_right_words_and_wrong_ones(right):
    with pytest.raises(ValueError, match="right"):
        fit([0.5] * len(right), right)


def test_fit_of_words_that_a_threshold_separates_is_finite():
    found = fit([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    assert np.isfinite([found.slope, found.offset]).all()
    assert found(0.9) > 0.9
