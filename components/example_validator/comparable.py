"""Statistics of two splits in buckets that TFDV's comparators can compare.

As they are, they cannot be compared. TFDV takes the Jensen-Shannon divergence over ten buckets of
equal width, and one outlier in one split moves them all: on real Criteo rows, split by time, it
found a divergence of 0.77. It takes the shares of values among the 1,000 most frequent ones, and
these hold more of a small split than of a large one.
"""

from collections.abc import Iterator

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

# The values beyond the rank histogram, as so many rare ones: together they would look like one.
_NUM_REST_BUCKETS = 1000
# Raw text has no control characters, so no value of the log has this name.
_REST = "\x00rest {}"
# A value with this share of the train split is a bucket of its own.
_MIN_ATOM = 0.02
_NUM_CUTS = 9


def make_comparable(
    train: statistics_pb2.DatasetFeatureStatisticsList,
    evaluation: statistics_pb2.DatasetFeatureStatisticsList,
) -> tuple[
    statistics_pb2.DatasetFeatureStatisticsList, statistics_pb2.DatasetFeatureStatisticsList
]:
    """Returns the statistics of both splits in common buckets.

    A numeric feature gets one equal-width histogram over the numbers 0, 1, 2, ...: a bucket each
    between the deciles of the train split, and one for each decile that is itself a frequent
    value. A string feature keeps its rank histogram, with the rest of its values as rare ones.

    Args:
      train: statistics of the train split, with a histogram of quantiles.
      evaluation: of the eval split.

    Returns:
      Train and eval, with the features that have a value in both.
    """
    results = tuple(statistics_pb2.DatasetFeatureStatisticsList() for _ in range(2))
    for result, source in zip(results, (train, evaluation), strict=True):
        result.datasets.add(num_examples=source.datasets[0].num_examples)
    for pair in _pairs(train, evaluation):
        copies = [result.datasets[0].features.add() for result in results]
        for copy, feature in zip(copies, pair, strict=True):
            copy.CopyFrom(feature)
        if pair[0].HasField("num_stats"):
            _rebucket(copies, pair)
        else:
            for copy in copies:
                _add_rest(copy.string_stats)
    return results


def _pairs(
    train: statistics_pb2.DatasetFeatureStatisticsList,
    evaluation: statistics_pb2.DatasetFeatureStatisticsList,
) -> Iterator[tuple[statistics_pb2.FeatureNameStatistics, statistics_pb2.FeatureNameStatistics]]:
    """Yields the statistics of one feature in both splits, if both have a value."""
    after = {feature.path.step[0]: feature for feature in evaluation.datasets[0].features}
    for feature in train.datasets[0].features:
        other = after.get(feature.path.step[0])
        if other is None or feature.WhichOneof("stats") != other.WhichOneof("stats"):
            continue
        if all(common_statistics(each).num_non_missing for each in (feature, other)):
            yield feature, other


def common_statistics(
    feature: statistics_pb2.FeatureNameStatistics,
) -> statistics_pb2.CommonStatistics:
    """Returns what numeric and string features have in common."""
    return getattr(feature, feature.WhichOneof("stats")).common_stats


class Quantiles:
    """A cumulative distribution, from a histogram of quantiles.

    Between two borders the values count as evenly spread; a border that occurs several times is a
    value that holds the buckets between.

    Attributes:
      borders: float64 `[num_buckets + 1]`, in order.
      step: the share of the values in a bucket.
    """

    def __init__(self, statistics: statistics_pb2.NumericStatistics) -> None:
        """Takes the borders from the statistics of a numeric feature with at least one value."""
        kind = statistics_pb2.Histogram.QUANTILES
        [histogram] = [h for h in statistics.histograms if h.type == kind]
        buckets = histogram.buckets
        self.borders = np.array([buckets[0].low_value, *(b.high_value for b in buckets)])
        self.step = 1 / len(buckets)
        self._levels = np.linspace(0, 1, len(self.borders))

    def up_to(self, values: np.ndarray) -> np.ndarray:
        """Returns the shares of the values `<=` each of `values`, float64 `[n]`."""
        # Of equal borders, np.interp takes the last one.
        return np.interp(values, self.borders, self._levels, left=0, right=1)

    def below(self, values: np.ndarray) -> np.ndarray:
        """Returns the shares of the values `<` each of `values`, float64 `[n]`."""
        mirrored = np.interp(-values, -self.borders[::-1], self._levels, left=0, right=1)
        return 1 - mirrored

    def at(self, values: np.ndarray) -> np.ndarray:
        """Returns the shares of the values `==` each of `values`, float64 `[n]`."""
        return self.up_to(values) - self.below(values)

    def cuts(self) -> np.ndarray:
        """Returns the distinct deciles without the extremes, float64 `[n]`, `n <= 9`."""
        inner = np.linspace(0, 1, _NUM_CUTS + 2)[1:-1]
        return np.unique(np.interp(inner, self._levels, self.borders))


def _rebucket(
    copies: list[statistics_pb2.FeatureNameStatistics],
    pair: tuple[statistics_pb2.FeatureNameStatistics, statistics_pb2.FeatureNameStatistics],
) -> None:
    """Replaces the histograms of both copies by ones with common buckets."""
    train, evaluation = (Quantiles(feature.num_stats) for feature in pair)
    cuts = train.cuts()
    is_atom = train.at(cuts) >= _MIN_ATOM
    for copy, quantiles in zip(copies, (train, evaluation), strict=True):
        borders = np.stack([quantiles.below(cuts), quantiles.up_to(cuts)], axis=1)
        kept = borders[np.stack([is_atom, np.ones_like(is_atom)], axis=1)]
        shares = np.diff(kept, prepend=0, append=1)
        num_values = copy.num_stats.common_stats.tot_num_values
        del copy.num_stats.histograms[:]
        histogram = copy.num_stats.histograms.add()
        for index, share in enumerate(shares):
            histogram.buckets.add(
                low_value=index, high_value=index + 1, sample_count=share * num_values
            )


def _add_rest(statistics: statistics_pb2.StringStatistics) -> None:
    """Adds the values beyond the rank histogram to it, as rare ones."""
    buckets = statistics.rank_histogram.buckets
    rest = statistics.common_stats.tot_num_values - sum(b.sample_count for b in buckets)
    if rest > 0:
        for index in range(_NUM_REST_BUCKETS):
            buckets.add(label=_REST.format(index), sample_count=rest / _NUM_REST_BUCKETS)
