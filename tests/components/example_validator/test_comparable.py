from itertools import pairwise

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.example_validator.comparable import Quantiles, make_comparable


def _statistics(num_values, borders=(), counts=None):
    """Statistics of the integer x with these quantile borders and the string s with counts."""
    result = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = result.datasets.add(num_examples=num_values)
    if borders:
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.INT)
        feature.path.step.append("x")
        common = feature.num_stats.common_stats
        common.num_non_missing = common.tot_num_values = num_values
        feature.num_stats.histograms.add().buckets.add(high_value=1, sample_count=num_values)
        quantiles = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
        for low, high in pairwise(borders):
            quantiles.buckets.add(low_value=low, high_value=high)
    if counts is not None:
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
        feature.path.step.append("s")
        common = feature.string_stats.common_stats
        common.num_non_missing = common.tot_num_values = num_values
        for label, count in counts.items():
            feature.string_stats.rank_histogram.buckets.add(label=label, sample_count=count)
    return result


def _quantiles(*borders):
    return Quantiles(_statistics(1, borders).datasets[0].features[0].num_stats)


def test_quantiles_spread_the_values_between_two_borders():
    quantiles = _quantiles(0, 10, 30)
    np.testing.assert_allclose(quantiles.up_to(np.array([-1, 0, 5, 10, 20, 30, 31])),
                               [0, 0, 0.25, 0.5, 0.75, 1, 1])  # fmt: skip


def test_quantiles_take_equal_borders_as_one_frequent_value():
    quantiles = _quantiles(0, 0, 0, 8, 8)
    values = np.array([-1, 0, 4, 8, 9])
    np.testing.assert_allclose(quantiles.below(values), [0, 0, 0.625, 0.75, 1])
    np.testing.assert_allclose(quantiles.up_to(values), [0, 0.5, 0.625, 1, 1])
    np.testing.assert_allclose(quantiles.at(values), [0, 0.5, 0, 0.25, 0])


def test_cuts_are_the_distinct_inner_deciles():
    borders = [0, 0, 0, 0, 0, 0, 60, 70, 80, 90, 100]
    np.testing.assert_allclose(_quantiles(*borders).cuts(), [0, 60, 70, 80, 90])


def _counts(statistics):
    [standard] = statistics.datasets[0].features[0].num_stats.histograms
    assert [bucket.low_value for bucket in standard.buckets] == list(range(len(standard.buckets)))
    return [bucket.sample_count for bucket in standard.buckets]


def test_numbers_are_counted_between_the_deciles_of_train():
    train = _statistics(100, list(range(0, 110, 10)))
    evaluation = _statistics(10, [0, 5, 10])  # half of them below 5, half from 5 to 10
    before, after = make_comparable(train, evaluation)
    np.testing.assert_allclose(_counts(before), [10] * 10)
    np.testing.assert_allclose(_counts(after), [10, 0, 0, 0, 0, 0, 0, 0, 0, 0], atol=1e-9)


def test_one_outlier_moves_no_bucket():
    train = _statistics(100, list(range(0, 110, 10)))
    far = _statistics(100, [*range(0, 100, 10), 10**9])
    _, after = make_comparable(train, far)
    np.testing.assert_allclose(_counts(after), [10] * 10)


def test_frequent_value_of_train_is_a_bucket_of_its_own():
    train = _statistics(100, [0, 0, 0, 0, 0, 0, 60, 70, 80, 90, 100])
    before, after = make_comparable(train, _statistics(100, [-4, -3, -2, -1]))
    # below 0, 0 itself, up to 60, 70, 80, 90, and beyond
    np.testing.assert_allclose(_counts(before), [0, 50, 10, 10, 10, 10, 10])
    np.testing.assert_allclose(_counts(after), [100, 0, 0, 0, 0, 0, 0])


def test_values_beyond_the_rank_histogram_stay_rare():
    train = _statistics(1000, counts={"a": 300, "b": 100})
    before, after = make_comparable(train, _statistics(10, counts={"a": 3, "c": 7}))
    buckets = before.datasets[0].features[0].string_stats.rank_histogram.buckets
    assert [(b.label, b.sample_count) for b in buckets[:2]] == [("a", 300), ("b", 100)]
    assert sum(b.sample_count for b in buckets) == pytest.approx(1000)
    assert max(b.sample_count for b in buckets[2:]) == 0.6
    assert len(after.datasets[0].features[0].string_stats.rank_histogram.buckets) == 2


def test_feature_without_values_in_one_split_is_left_out():
    empty = _statistics(10, [1, 2], {"a": 10})
    empty.datasets[0].features[0].num_stats.common_stats.num_non_missing = 0
    before, after = make_comparable(_statistics(10, [1, 2], {"a": 10}), empty)
    for statistics in (before, after):
        assert [feature.path.step[0] for feature in statistics.datasets[0].features] == ["s"]


def test_source_statistics_stay_as_they_are():
    train, evaluation = (_statistics(10, [0, 5, 10], {"a": 4}) for _ in range(2))
    copy = _statistics(10, [0, 5, 10], {"a": 4})
    make_comparable(train, evaluation)
    assert train == copy
    assert evaluation == copy
