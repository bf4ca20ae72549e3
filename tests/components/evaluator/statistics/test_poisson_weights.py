import math

import numpy as np
import pytest

from components.evaluator.statistics.poisson_weights import PoissonWeights, unit_weights

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(state):
    """SplitMix64's output, in whole numbers without end."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31


def slow_weight(seed, row, resample):
    """One number at a time: how many limits are above 16 of the bits."""
    word, part = divmod(resample, 4)
    steps = row * 2**16 + word
    bits = mix((mix((seed + 1) * GOLDEN & MASK) + steps * GOLDEN) & MASK)
    number = bits >> 16 * part & 0xFFFF
    # 2^16 times the chance of a weight of 1, 2, ... or more.
    return sum(number < limit for limit in (41427, 17317, 5263, 1244, 240, 39, 5, 1))


@pytest.mark.parametrize(("seed", "first"), [(0, 0), (2**32 - 1, 2**18 - 40)])
def test_weights_agree_with_a_slow_twin(seed, first):
    rows = [0, 7, 65_537, 2**48 - 1]
    expected = [[slow_weight(seed, row, first + i) for i in range(37)] for row in rows]
    found = PoissonWeights(seed, first, 37)(np.array(rows))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


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
