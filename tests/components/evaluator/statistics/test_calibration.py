import numpy as np
import pytest

from components.evaluator.statistics.calibration import (
    bin_sums,
    calibration_bins,
    wilson_interval,
)
from components.evaluator.statistics.ranking import Ranking


def test_wilson_interval_agrees_with_a_published_one():
    # Newcombe (1998), table I, method 3: 81 of 263 and 15 of 148 at 95 %.
    assert wilson_interval(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(15, 148, 0.95) == pytest.approx((0.0624, 0.1605), abs=5e-5)


def test_wilson_interval_of_no_click_starts_at_zero():
    # Newcombe (1998), table I, method 3: 0 of 20.
    assert wilson_interval(0, 20, 0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_bins_are_in_rising_order_with_their_means():
    bins = np.array([[10.0, 10.0, 10.0, 8.0, 5.0], [4.0, 4.0, 4.0, 1.0, 2.0]])
    found = calibration_bins(bins, 0.95)
    assert [each.num_rows for each in found] == [4, 10]
    assert [each.mean_prediction for each in found] == [0.25, 0.8]
    assert [each.click_rate for each in found] == [0.5, 0.5]
    assert (found[1].low, found[1].high) == pytest.approx(wilson_interval(5, 10, 0.95))


def test_bins_of_weighted_rows_have_weighted_means_and_honest_counts():
    # One bin: predictions 0.5 alike, weights 1, 3 and 4, clicks of weight 1 and 3.
    labels, weights = np.array([True, True, False]), np.array([1.0, 3.0, 4.0])
    ranking = Ranking(labels, np.full(3, 0.5, np.float32), 0.5, weights)
    (found,) = calibration_bins(bin_sums(ranking), 0.95)
    assert (found.num_rows, found.mean_prediction, found.click_rate) == (3, 0.5, 0.5)
    # As many rows of equal weight as (1 + 3 + 4)^2 / (1 + 9 + 16).
    assert (found.low, found.high) == pytest.approx(wilson_interval(32 / 26, 64 / 26, 0.95))
