import math

import numpy as np
import pytest

from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights, unit_weights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.slice_metrics import SLICE_METRICS, SlicedRows
from components.evaluator.statistics.slice_places import SlicePlaces
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


@pytest.fixture(scope="module", params=[False, True], ids=["alike", "weighted"])
def weights(request):
    random = np.random.default_rng(13)
    return random.exponential(size=3000) + 0.1 if request.param else None


def one_slice(labels, weights=None):
    """All rows as one slice."""
    slices = SlicePlaces([(np.zeros(len(labels), int), 1)])
    return SlicedRows(np.asarray(labels), slices, weights)


def resampled(log, columns, metric, weights, count=1000):
    """Returns the mean over the replicas in each resample."""
    draw = PoissonWeights(seed=4, first=0, count=count)
    rankings = [Ranking(log.labels, each, 0.5, weights) for each in columns]
    return np.mean([metrics_of(WeightedSums(r, draw, count))[metric] for r in rankings], axis=0)


def test_values_are_those_of_the_exact_metrics(log, columns, weights):
    found = one_slice(log.labels, weights).measure(columns["variant"]).metrics
    assert tuple(found) == SLICE_METRICS
    for number, column in enumerate(columns["variant"]):
        ranking = Ranking(log.labels, column, 0.5, weights)
        expected = metrics_of(WeightedSums(ranking, unit_weights, 1))
        for name, metric in found.items():
            assert metric.values[number, 0] == pytest.approx(expected[name][0], abs=1e-12)


@pytest.mark.parametrize("metric", SLICE_METRICS)
def test_errors_agree_with_the_bootstrap(log, columns, weights, metric):
    rows = one_slice(log.labels, weights)
    own = rows.measure(columns["variant"], rows.measure(columns["baseline"])).metrics[metric]
    of_variant = resampled(log, columns["variant"], metric, weights)
    # A standard deviation of 1,000 resamples is off by 2.2 %; 5 of those.
    assert own.error[0] == pytest.approx(np.std(of_variant, ddof=1), rel=0.11)
    difference = of_variant - resampled(log, columns["baseline"], metric, weights)
    assert own.difference_error[0] == pytest.approx(np.std(difference, ddof=1), rel=0.11)


def test_slices_of_several_keys_are_measured_by_themselves(log, columns, weights):
    random = np.random.default_rng(14)
    keys = [(random.integers(-1, 4, 3000), 4), (random.integers(0, 2, 3000), 2)]
    rows = SlicedRows(log.labels, SlicePlaces(keys), weights)
    found = rows.measure(columns["variant"], rows.measure(columns["baseline"])).metrics
    parts = [places == place for places, count in keys for place in range(count)]
    for index, own in enumerate(parts):
        alone = one_slice(log.labels[own], None if weights is None else weights[own])
        few = {name: [each[own] for each in group] for name, group in columns.items()}
        expected = alone.measure(few["variant"], alone.measure(few["baseline"])).metrics
        assert (rows.num_rows[index], rows.num_clicks[index]) == (
            np.count_nonzero(own),
            np.count_nonzero(log.labels[own]),
        )
        for name, metric in expected.items():
            for got, value in zip(found[name], metric, strict=True):
                np.testing.assert_allclose(got[..., index], value[..., 0], rtol=1e-9)


def test_error_of_logloss_by_hand():
    # Losses log 2 and log 4: mean 1.5 log 2, standard deviation log 2 / sqrt(2), over sqrt(2).
    labels = np.array([True, False])
    own = one_slice(labels).measure([np.array([0.5, 0.75], np.float32)]).metrics["logloss"]
    assert own.values[0, 0] == pytest.approx(1.5 * math.log(2))
    assert own.error[0] == pytest.approx(math.log(2) / 2)


def test_a_variant_does_not_differ_from_itself(log, columns, weights):
    rows = one_slice(log.labels, weights)
    own = rows.measure(columns["variant"], rows.measure(columns["variant"]))
    for name, metric in own.metrics.items():
        assert metric.difference_error[0] == 0.0, name


def defined(labels, predictions):
    found = one_slice(labels).measure([np.array(predictions, np.float32)]).metrics
    return {name: metric for name, metric in found.items() if not np.isnan(metric.values).any()}


def test_slice_without_a_click_has_logloss_only():
    assert set(defined(np.zeros(5, bool), [0.5] * 5)) == {"logloss"}


def test_slice_of_clicks_only_has_no_auc_and_no_normalized_entropy():
    found = defined(np.ones(4, bool), [0.5] * 4)
    assert set(found) == {"logloss", "calibration"}
    assert found["calibration"].values[0, 0] == 0.5


def test_slice_with_one_click_has_no_auc():
    found = defined(np.array([True, False, False]), [0.5, 0.2, 0.1])
    assert set(found) == {"logloss", "normalized_entropy", "calibration"}
