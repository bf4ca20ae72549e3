import numpy as np
import pytest

from components.evaluator.statistics.ranking import NUM_BINS, Ranking, falling_order


def ranking(predictions, threshold=0.5):
    values = np.array(predictions, np.float32)
    return Ranking(np.zeros(len(values), bool), values, threshold)


def test_rows_are_in_falling_order_and_equal_ones_in_their_own():
    np.testing.assert_array_equal(ranking([0.2, 0.9, 0.2, 0.5]).rows, [1, 3, 0, 2])


def test_bins_hold_equally_many_rows_without_ties():
    predictions = np.random.default_rng(0).permutation(410) / 410
    sizes = np.diff(ranking(predictions).bin_ends, prepend=0)
    assert len(sizes) == NUM_BINS
    assert set(sizes) == {20, 21}


def test_bins_keep_equal_predictions_together():
    # 40 rows, two a bin. Positions 0 to 29 are one group, its middle 14.5 lies in bin 7.
    found = ranking([0.8] * 30 + [0.1 - i / 1000 for i in range(10)])
    np.testing.assert_array_equal(found.bin_ends, [30, 32, 34, 36, 38, 40])


def test_rows_at_the_threshold_are_above_it():
    assert ranking([0.5, 0.25, 0.75], threshold=0.5).num_above == 2


def test_threshold_is_compared_in_double_precision():
    # float32(0.3) is 0.30000001.
    assert ranking([0.3], threshold=0.3).num_above == 1
    assert ranking([0.7], threshold=0.7).num_above == 0


def test_rows_know_their_groups():
    found = ranking([0.5, 0.9, 0.5, 0.2, 0.5, 0.1, 0.1])
    np.testing.assert_array_equal(found.is_last, [1, 0, 0, 1, 1, 0, 1])
    np.testing.assert_array_equal(found.is_tied, [0, 1, 1, 1, 0, 1, 1])


def test_bins_weigh_alike():
    predictions = np.random.default_rng(2).permutation(4000) / 4000
    weights = np.random.default_rng(3).integers(1, 4, 4000).astype(float)
    found = Ranking(np.zeros(4000, bool), predictions.astype(np.float32), 0.5, weights)
    starts = np.append(0, found.bin_ends[:-1])
    sums = np.add.reduceat(found.weights, starts)
    assert len(sums) == NUM_BINS
    np.testing.assert_allclose(sums, weights.sum() / NUM_BINS, atol=3)


def test_a_row_of_weight_2_is_binned_as_that_row_twice():
    random = np.random.default_rng(4)
    predictions = random.random(333).astype(np.float32)
    times = random.integers(1, 4, 333)
    once = Ranking(np.zeros(333, bool), predictions, 0.5, times.astype(float))
    repeated = Ranking(np.zeros(times.sum(), bool), np.repeat(predictions, times), 0.5)
    ends = [each.predictions[each.bin_ends - 1] for each in (once, repeated)]
    np.testing.assert_array_equal(*ends)


@pytest.mark.parametrize("decimals", [1, 8])
def test_falling_order_is_that_of_a_stable_sort(decimals):
    predictions = np.random.default_rng(5).random(70_000).round(decimals).astype(np.float32)
    predictions[:4] = [0.0, -0.0, 1.0, 1e-45]
    np.testing.assert_array_equal(
        falling_order(predictions), np.argsort(-predictions, kind="stable")
    )
