import numpy as np
import pytest

from components.transform.value_sketch import (
    NUM_BUCKETS,
    RELATIVE_ERROR,
    ValueSketch,
    bucket_of,
)


def _sketch(values, integers=False):
    buckets, counts = np.unique(bucket_of(np.array(values, np.float64)), return_counts=True)
    return ValueSketch(buckets, counts, integers)


def test_buckets_are_in_the_order_of_their_values():
    extremes = [2.0**127.999, 2.0**63, 1e9, 1.5, 1.0, 0.1, 2.0**-126]
    values = np.array([*(-v for v in extremes), 0.0, *reversed(extremes)])
    buckets = bucket_of(values)
    assert (np.diff(buckets) > 0).all()
    assert buckets[0] >= 0
    assert buckets[-1] < NUM_BUCKETS


def test_both_zeros_and_numbers_too_small_for_float32_share_a_bucket():
    assert len(set(bucket_of(np.array([0.0, -0.0, 1e-45, -1e-45])).tolist())) == 1


def test_integers_below_1024_have_a_bucket_each_and_their_own_value():
    integers = np.arange(-1023, 1024)
    np.testing.assert_array_equal(_sketch(integers, integers=True).values(), integers)


def test_integers_that_share_a_bucket_are_their_middle():
    # above 1,024 a bucket holds two integers, above 2,048 four
    assert _sketch([1024, 1025], integers=True).values().tolist() == [1024.5]
    assert _sketch([-2051, -2048], integers=True).values().tolist() == [-2049.5]


@pytest.mark.parametrize("integers", [False, True])
def test_values_are_within_the_relative_error(integers):
    rng = np.random.default_rng(0)
    values = np.exp(rng.uniform(0, 40, 20_000)) * rng.choice([-1, 1], 20_000)
    if integers:
        values = np.trunc(values)
    sketch = _sketch(values, integers)
    known = sketch.values()[np.searchsorted(sketch.buckets, bucket_of(values))]
    assert (np.abs(known - values) <= RELATIVE_ERROR * np.abs(values)).all()


def test_quantiles_of_small_integers_are_exact():
    sketch = _sketch([-5, -5, 0, 0, 0, 3, 7, 7, 7, 900], integers=True)
    numbers = np.array([-6, -5, -4, 0, 1, 3, 4, 7, 8, 900, 901])
    smaller = np.searchsorted(sketch.quantiles(10), numbers)
    # of the ten values, so many are smaller than each number
    assert smaller.tolist() == [0, 0, 2, 2, 5, 5, 6, 6, 9, 9, 10]


def test_quantiles_round_a_share_down():
    sketch = _sketch([1, 2, 3], integers=True)
    # 0, 1/3, 2/3 and all of the values are smaller: in quarters 0, 1, 2, 4
    assert np.searchsorted(sketch.quantiles(4), [1, 2, 3, 4]).tolist() == [0, 1, 2, 4]


def test_quantiles_of_floats_are_right_for_numbers_that_differ_by_more_than_a_bucket():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 100, 1_000)
    bounds = _sketch(values).quantiles(50)
    numbers = values * 1.003
    gaps = np.abs(values[np.newaxis] - numbers[:, np.newaxis]).min(axis=1)
    numbers = numbers[gaps > np.abs(numbers) / 512]
    assert len(numbers) > 20
    num_smaller = (values[np.newaxis] < numbers[:, np.newaxis]).sum(axis=1)
    np.testing.assert_array_equal(np.searchsorted(bounds, numbers), num_smaller * 50 // 1_000)


def test_no_value_has_infinite_quantiles():
    assert _sketch([]).quantiles(3).tolist() == [np.inf] * 3
