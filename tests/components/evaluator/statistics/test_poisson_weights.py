import math

import numpy as np
import pytest

from components.evaluator.statistics import poisson_weights
from components.evaluator.statistics.poisson_weights import (
    PoissonWeights,
    drawn_ahead,
    unit_weights,
    with_rows,
)


def test_weights_follow_the_poisson_distribution():
    weights = PoissonWeights(seed=3, first=0, count=400)(np.arange(5000))
    shares = np.bincount(weights.ravel(), minlength=9) / weights.size
    for weight, share in enumerate(shares):
        probability = math.exp(-1) / math.factorial(weight)
        # Five standard errors of a share of 2,000,000 draws, and the rounding to 16 bits.
        error = 5 * math.sqrt(probability / weights.size) + 2**-16
        assert share == pytest.approx(probability, abs=error)


def test_weights_of_rows_and_of_resamples_are_uncorrelated():
    weights = PoissonWeights(seed=1, first=0, count=256)(np.arange(4096)).astype(np.float64) - 1
    by_resample = np.corrcoef(weights.T) - np.eye(256)
    by_row = np.corrcoef(weights[:256]) - np.eye(256)
    # 32,640 correlations of 4,096 (256) draws each: the largest is below 5.5 standard errors.
    assert np.abs(by_resample).max() < 5.5 / math.sqrt(4096)
    assert np.abs(by_row).max() < 5.5 / math.sqrt(256)


def test_weights_are_those_of_the_row_in_any_order():
    draw = PoissonWeights(seed=7, first=0, count=20)
    rows = np.array([5, 99_999_999_999, 0, 5])
    expected = np.concatenate([draw(rows[i : i + 1]) for i in range(4)])
    np.testing.assert_array_equal(draw(rows), expected)
    np.testing.assert_array_equal(draw(rows)[0], draw(rows)[3])


def test_weights_of_a_piece_are_those_of_the_whole():
    rows = np.arange(300)
    whole = PoissonWeights(seed=2, first=0, count=30)(rows)
    pieces = [PoissonWeights(2, 0, 12)(rows), PoissonWeights(2, 12, 18)(rows)]
    np.testing.assert_array_equal(whole, np.concatenate(pieces, axis=1))


def test_weights_differ_with_another_seed():
    rows = np.arange(1000)
    first, second = (PoissonWeights(seed, 0, 100)(rows) for seed in (0, 1))
    # Two independent draws are equal with probability sum of P(w)^2 = 0.3085.
    assert np.mean(first == second) == pytest.approx(0.3085, abs=0.01)


def test_weights_from_a_resample_between_words_are_refused():
    with pytest.raises(ValueError, match=r"multiple of 4.*received 10 from 6"):
        PoissonWeights(seed=0, first=6, count=10)


def test_unit_weights_are_one_resample_of_ones():
    np.testing.assert_array_equal(unit_weights(np.array([3, 1])), [[1], [1]])


def test_draws_with_the_rows_themselves_begin_with_ones():
    draw = PoissonWeights(seed=0, first=0, count=8)
    rows = np.array([7, 2])
    found = with_rows(draw)(rows)
    np.testing.assert_array_equal(found[:, 0], [1, 1])
    np.testing.assert_array_equal(found[:, 1:], draw(rows))


@pytest.mark.parametrize("max_bytes", [0, 10**9])
def test_draws_made_ahead_are_the_same_draws(monkeypatch, max_bytes):
    monkeypatch.setattr(poisson_weights, "_MAX_AHEAD_BYTES", max_bytes)
    draw = PoissonWeights(seed=0, first=4, count=6)
    rows = np.array([1300, 0, 511, 512])
    ahead = drawn_ahead(draw, 1301, 6)
    assert (ahead is draw) == (max_bytes == 0)
    np.testing.assert_array_equal(ahead(rows), draw(rows))
