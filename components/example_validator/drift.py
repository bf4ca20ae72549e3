"""How much the eval split differs from the train split, column by column."""

import math
from typing import NamedTuple

import numpy as np
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.example_validator.anomalies import add_reason
from components.example_validator.comparable import (
    Quantiles,
    common_statistics,
    make_comparable,
)
from components.example_validator.config import GuardConfig
from schemas.click_log import LABEL, WEIGHT

_INFO = anomalies_pb2.AnomalyInfo
_NO_FEATURES = (LABEL, WEIGHT)
# Standard errors by which a share may differ by chance: beyond them once in 16,000 comparisons.
_NUM_STANDARD_ERRORS = 4.0
# Over k buckets, 8 ln(2) / (1 / n + 1 / m) times the divergence of two samples of n and m values is
# about chi-square with k - 1 degrees of freedom. Of 19 buckets it exceeds 54 once in 50,000 cases.
_DIVERGENCE_BY_CHANCE = 54 / (8 * math.log(2))
# A column is constant by chance only if it has so few other values that none is expected to be
# drawn: of 16 expected ones, none is drawn once in exp(16) cases.
_MIN_EXPECTED_OTHERS = 16


class _Limit(NamedTuple):
    """A limit of the configuration, the field that set it, and what chance may add to it."""

    field: str
    value: float
    chance: float

    @property
    def threshold(self) -> float:
        return self.value + self.chance

    def __str__(self) -> str:
        return f"limit {self.value:g} and {self.chance:.2g} for chance"


def find_drift(
    train: statistics_pb2.DatasetFeatureStatisticsList,
    evaluation: statistics_pb2.DatasetFeatureStatisticsList,
    config: GuardConfig,
) -> anomalies_pb2.Anomalies:
    """Compares the splits by the shares of values, the quantiles and the missing rates.

    Args:
      train: statistics of the train split, as StatisticsGen writes them.
      evaluation: of the eval split.
      config: the limits.

    Returns:
      Anomalies of the eval split; `drift_skew_info` has the measured values of all columns. Label
      and weight are not compared: the train split may hold fewer rows without a click on purpose.
    """
    anomalies = _distribution_drift(*make_comparable(train, evaluation), config)
    after = {feature.path.step[0]: feature for feature in evaluation.datasets[0].features}
    num_rows = (train.datasets[0].num_examples, evaluation.datasets[0].num_examples)
    for feature in train.datasets[0].features:
        column = feature.path.step[0]
        if column not in _NO_FEATURES and column in after:
            _check_missing_rate(anomalies, column, (feature, after[column]), num_rows, config)
            _check_constant(anomalies, column, (feature, after[column]), config)
    return anomalies


def _distribution_drift(
    train: statistics_pb2.DatasetFeatureStatisticsList,
    evaluation: statistics_pb2.DatasetFeatureStatisticsList,
    config: GuardConfig,
) -> anomalies_pb2.Anomalies:
    """Lets TFDV compare statistics that `make_comparable` made."""
    schema = schema_pb2.Schema()
    limits = {}
    for before, after in zip(
        train.datasets[0].features, evaluation.datasets[0].features, strict=True
    ):
        column = before.path.step[0]
        if column in _NO_FEATURES:
            continue
        counts = tuple(common_statistics(each).num_non_missing for each in (before, after))
        is_dense = before.HasField("num_stats")
        limits[column] = _drift_limit(column, is_dense, counts, config)
        kind = schema_pb2.BYTES
        if is_dense:
            is_float = before.type == statistics_pb2.FeatureNameStatistics.FLOAT
            kind = schema_pb2.FLOAT if is_float else schema_pb2.INT
        comparator = schema.feature.add(name=column, type=kind).drift_comparator
        measure = comparator.jensen_shannon_divergence if is_dense else comparator.infinity_norm
        measure.threshold = limits[column].threshold
    found = tfdv.validate_statistics(evaluation, schema, previous_statistics=train)
    named = anomalies_pb2.Anomalies(baseline=schema, anomaly_name_format=found.anomaly_name_format)
    named.drift_skew_info.extend(found.drift_skew_info)
    for column, info in found.anomaly_info.items():
        if column not in limits:  # what this schema leaves out
            continue
        for reason in info.reason:
            text = reason.description.replace("current and previous", "eval and train").rstrip(".")
            limit = limits[column]
            add_reason(named, column, reason.type, limit.field, f"{text} ({limit}).")
    return named


def _drift_limit(
    column: str, is_dense: bool, counts: tuple[int, ...], config: GuardConfig
) -> _Limit:
    """Returns the limit of a column with so many values in train and in eval."""
    reciprocals = sum(1 / count for count in counts)
    own = config.column(column).max_drift
    if is_dense:
        field, value = "max_dense_drift", config.max_dense_drift
        chance = _DIVERGENCE_BY_CHANCE * reciprocals
    else:
        # A share of one half has the largest standard error.
        field, value = "max_categorical_drift", config.max_categorical_drift
        chance = _NUM_STANDARD_ERRORS * 0.5 * math.sqrt(reciprocals)
    return _Limit(field, value, chance) if own is None else _Limit("max_drift", own, chance)


def _check_missing_rate(
    anomalies: anomalies_pb2.Anomalies,
    column: str,
    pair: tuple[statistics_pb2.FeatureNameStatistics, ...],
    num_rows: tuple[int, int],
    config: GuardConfig,
) -> None:
    """Finds a feed that broke: values that are missing in one split and not in the other."""
    counts = [common_statistics(feature).num_non_missing for feature in pair]
    rates = [1 - count / rows for count, rows in zip(counts, num_rows, strict=True)]
    pooled = sum(counts) / sum(num_rows)
    error = math.sqrt(pooled * (1 - pooled) * sum(1 / rows for rows in num_rows))
    own = config.column(column).max_missing_rate_change
    limit = _Limit(
        "max_missing_rate_change",
        config.max_missing_rate_change if own is None else own,
        _NUM_STANDARD_ERRORS * error,
    )
    change = abs(rates[1] - rates[0])
    if change > limit.threshold:
        # The L-infinity distance of the shares of present and of missing values.
        add_reason(
            anomalies,
            column,
            _INFO.COMPARATOR_L_INFTY_HIGH,
            limit.field,
            f"{rates[1]:.2%} of the values are missing, in train {rates[0]:.2%}; "
            f"a change of {change:.4g} ({limit}).",
        )


def _check_constant(
    anomalies: anomalies_pb2.Anomalies,
    column: str,
    pair: tuple[statistics_pb2.FeatureNameStatistics, ...],
    config: GuardConfig,
) -> None:
    """Finds a column that varies in train and has one value in eval, be it the most frequent."""
    train, evaluation = pair
    num_values = common_statistics(evaluation).num_non_missing
    if config.column(column).max_drift == 1 or not num_values:
        return
    if not common_statistics(train).num_non_missing:
        return
    share = _share_of_the_only_value(train, evaluation)
    if share is not None and (1 - share) * num_values > _MIN_EXPECTED_OTHERS:
        add_reason(
            anomalies,
            column,
            _INFO.FEATURE_TYPE_LOW_UNIQUE,
            "constant_column",
            f"all {num_values:,} values are the same one, which is at most {share:.1%} of the "
            "values in train.",
        )


def _share_of_the_only_value(
    train: statistics_pb2.FeatureNameStatistics,
    evaluation: statistics_pb2.FeatureNameStatistics,
) -> float | None:
    """Returns the largest share that the one value of eval may have in train.

    Quantiles know it to one step on either side. None if eval has several values.
    """
    if evaluation.HasField("num_stats"):
        if evaluation.num_stats.min != evaluation.num_stats.max:
            return None
        quantiles = Quantiles(train.num_stats)
        share = quantiles.at(np.array([evaluation.num_stats.max]))[0]
        return min(float(share) + 2 * quantiles.step, 1.0)
    buckets = evaluation.string_stats.rank_histogram.buckets
    if evaluation.string_stats.unique != 1:
        return None
    shares = {b.label: b.sample_count for b in train.string_stats.rank_histogram.buckets}
    return shares.get(buckets[0].label, 0) / train.string_stats.common_stats.tot_num_values
