import math

import numpy as np
import pytest

from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights, unit_weights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.slice_metrics import (
    SLICE_METRICS,
    metric_error,
    slice_metrics,
)
from components.evaluator.statistics.weighted_sums import WeightedSums
from tests.components.evaluator.statistics.simulation import Log


@pytest.fixture(scope="module")
def log():
    return Log(3000, np.random.default_rng(11))


@pytest.fixture(scope="module")
def columns(log):
    """Two replicas of a variant and of a baseline; one of them predicts too high."""
    random = np.random.default_rng(12)
    return {
        "variant": [log.predict(0.6, random, 0.2), log.predict(0.6, random)],
        "baseline": [log.predict(0.3, random), log.predict(0.3, random)],
    }


def resampled(log, columns, metric, count=2000):
    """Returns the mean over the replicas in each resample."""
    draw = PoissonWeights(seed=4, first=0, count=count)
    rankings = [Ranking(log.labels, each, 0.5) for each in columns]
    return np.mean([metrics_of(WeightedSums(r, draw, count))[metric] for r in rankings], axis=0)


def test_values_are_those_of_the_exact_metrics(log, columns):
    found = slice_metrics(log.labels, columns["variant"])
    assert set(found) == set(SLICE_METRICS)
    for number, column in enumerate(columns["variant"]):
        ranking = Ranking(log.labels, column, 0.5)
        expected = metrics_of(WeightedSums(ranking, unit_weights, 1))
        for name, metric in found.items():
            assert metric.values[number] == pytest.approx(expected[name][0], abs=1e-12)


@pytest.mark.parametrize("metric", SLICE_METRICS)
def test_errors_agree_with_the_bootstrap(log, columns, metric):
    own = slice_metrics(log.labels, columns["variant"])[metric]
    expected = np.std(resampled(log, columns["variant"], metric), ddof=1)
    # A standard deviation of 2,000 resamples is off by 1.6 %; 5 of those.
    assert metric_error(metric, log.labels, own) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("metric", SLICE_METRICS)
def test_errors_of_differences_agree_with_the_bootstrap(log, columns, metric):
    own, baseline = (slice_metrics(log.labels, each)[metric] for each in columns.values())
    difference = resampled(log, columns["variant"], metric) - resampled(
        log, columns["baseline"], metric
    )
    expected = np.std(difference, ddof=1)
    assert metric_error(metric, log.labels, own, baseline) == pytest.approx(expected, rel=0.08)


def test_error_of_logloss_by_hand():
    # Losses log 2 and log 4: mean 1.5 log 2, standard deviation log 2 / sqrt(2), over sqrt(2).
    labels = np.array([True, False])
    own = slice_metrics(labels, [np.array([0.5, 0.75], np.float32)])["logloss"]
    assert own.values[0] == pytest.approx(1.5 * math.log(2))
    assert metric_error("logloss", labels, own) == pytest.approx(math.log(2) / 2)


def test_a_variant_does_not_differ_from_itself(log, columns):
    own = slice_metrics(log.labels, columns["variant"])
    for name, metric in own.items():
        assert metric_error(name, log.labels, metric, metric) == 0.0


def test_slice_without_a_click_has_logloss_only():
    found = slice_metrics(np.zeros(5, bool), [np.full(5, 0.5, np.float32)])
    assert set(found) == {"logloss"}


def test_slice_of_clicks_only_has_no_auc_and_no_normalized_entropy():
    found = slice_metrics(np.ones(4, bool), [np.full(4, 0.5, np.float32)])
    assert set(found) == {"logloss", "calibration"}
    assert found["calibration"].values[0] == 0.5


def test_slice_with_one_click_has_no_auc():
    labels = np.array([True, False, False])
    found = slice_metrics(labels, [np.array([0.5, 0.2, 0.1], np.float32)])
    assert set(found) == {"logloss", "normalized_entropy", "calibration"}
