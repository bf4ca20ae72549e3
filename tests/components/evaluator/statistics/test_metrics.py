import math

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from components.evaluator.measures import METRICS
from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights, unit_weights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.weighted_sums import WeightedSums
from tests.components.evaluator.statistics.simulation import Log


def on_rows(labels, predictions, threshold=0.5, weights=None):
    """Returns the metrics on the rows themselves."""
    values = np.array(predictions, np.float32)
    ranking = Ranking(np.array(labels, bool), values, threshold, weights)
    found = metrics_of(WeightedSums(ranking, unit_weights, 1))
    return {name: values[0] for name, values in found.items()}


def by_scikit_learn(labels, predictions, threshold=0.5, weights=None):
    predictions = np.asarray(predictions, np.float32).astype(np.float64)
    weights = np.ones(len(labels)) if weights is None else weights.astype(np.float64)
    decisions = predictions >= threshold
    clipped = np.clip(predictions, 1e-7, 1 - 1e-7)
    logloss = sk.log_loss(labels, clipped, sample_weight=weights)
    rate = np.average(labels, weights=weights)
    entropy = sk.log_loss(labels, np.full(len(labels), rate), sample_weight=weights)
    own = {"sample_weight": weights}
    return {
        "auc_roc": sk.roc_auc_score(labels, predictions, **own),
        "auc_pr": sk.average_precision_score(labels, predictions, **own),
        "logloss": logloss,
        "normalized_entropy": logloss / entropy,
        "calibration": np.average(predictions, weights=weights) / rate,
        "brier_score": sk.brier_score_loss(labels, predictions, **own),
        "accuracy": sk.accuracy_score(labels, decisions, **own),
        "precision": sk.precision_score(labels, decisions, zero_division=0, **own),
        "recall": sk.recall_score(labels, decisions, **own),
        "f1": sk.f1_score(labels, decisions, **own),
    }


def slow_calibration_error(labels, predictions, weights):
    """Bins by the middle of a row, one row at a time; for predictions without ties."""
    order = np.argsort(-predictions)
    error = 0.0
    for number in range(20):
        rows = [
            row
            for place, row in enumerate(order)
            if (2 * place + 1) * 20 // (2 * len(order)) == number
        ]
        error += abs(sum(weights[row] * (float(predictions[row]) - labels[row]) for row in rows))
    return error / weights.sum()


ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.500001, 0.9, 1.0])),
    min_size=2,
    max_size=60,
).filter(lambda rows: len({label for label, _ in rows}) == 2)


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_metrics_agree_with_scikit_learn_with_many_ties(rows):
    labels, predictions = zip(*rows, strict=True)
    found = on_rows(labels, predictions)
    for name, expected in by_scikit_learn(labels, predictions).items():
        assert found[name] == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("decimals", [1, 3, 8])
def test_metrics_agree_with_scikit_learn_on_many_rows(decimals):
    random = np.random.default_rng(decimals)
    log = Log(70_000, random)
    predictions = log.predict(0.4, random).round(decimals)
    found = on_rows(log.labels, predictions, threshold=0.3)
    for name, expected in by_scikit_learn(log.labels, predictions, threshold=0.3).items():
        assert found[name] == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("decimals", [0, 2, 8])
def test_metrics_of_a_resample_agree_with_scikit_learn_with_its_weights(decimals):
    random = np.random.default_rng(decimals)
    # With 0 decimals more rows are equal than fit into a chunk (2^18 / 72).
    log = Log(30_000, random)
    predictions = log.predict(0.4, random).round(decimals)
    draw = PoissonWeights(seed=5, first=8, count=72)
    ranking = Ranking(log.labels, predictions, 0.5)
    found = metrics_of(WeightedSums(ranking, draw, 72))
    weights = draw(np.arange(30_000))
    for resample in (0, 5, 71):
        own = weights[:, resample]
        for name, expected in by_scikit_learn(log.labels, predictions, weights=own).items():
            assert found[name][resample] == pytest.approx(expected, abs=1e-9), name


def test_metrics_of_heavy_weights_agree_with_scikit_learn():
    # 255 in 600 rows is more than 16 bits hold.
    random = np.random.default_rng(0)
    log = Log(600, random)
    predictions = log.predict(0.4, random).round(2)
    weights = random.integers(200, 256, (600, 80)).astype(np.uint8)
    ranking = Ranking(log.labels, predictions, 0.5)
    found = metrics_of(WeightedSums(ranking, lambda rows: weights[rows], 80))
    expected = by_scikit_learn(log.labels, predictions, weights=weights[:, 79])
    for name, value in expected.items():
        assert found[name][79] == pytest.approx(value, abs=1e-9), name


def test_calibration_error_agrees_with_a_slow_twin_in_every_resample():
    random = np.random.default_rng(2)
    log = Log(333, random)
    predictions = log.predict(0.4, random)
    draw = PoissonWeights(seed=0, first=0, count=8)
    ranking = Ranking(log.labels, predictions, 0.5)
    found = metrics_of(WeightedSums(ranking, draw, 8))["expected_calibration_error"]
    weights = draw(np.arange(333)).astype(np.float64)
    expected = [slow_calibration_error(log.labels, predictions, w) for w in weights.T]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_calibration_error_does_not_depend_on_the_order_of_equal_predictions():
    labels = [1, 0, 0, 1, 0, 0, 0, 0]
    predictions = [0.5] * 4 + [0.25] * 4
    # Bins of the two groups: |2 - 2| and |1 - 0| over 8 rows.
    for order in ([0, 1, 2, 3, 4, 5, 6, 7], [1, 4, 0, 6, 3, 2, 7, 5]):
        found = on_rows([labels[i] for i in order], [predictions[i] for i in order])
        assert found["expected_calibration_error"] == pytest.approx(1 / 8, abs=1e-12)


def test_metrics_of_four_rows_by_hand():
    found = on_rows([1, 0, 1, 0], [0.875, 0.5, 0.25, 0.125])
    # Pairs (click, no click): 0.875 > 0.5, 0.875 > 0.125, 0.25 < 0.5, 0.25 > 0.125: 3 of 4.
    assert found["auc_roc"] == pytest.approx(3 / 4, abs=1e-12)
    # Precision at the clicks: 1 of 1, 2 of 3.
    assert found["auc_pr"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-12)
    logloss = -math.log(0.875 * 0.5 * 0.25 * 0.875) / 4
    assert found["logloss"] == pytest.approx(logloss, abs=1e-12)
    assert found["normalized_entropy"] == pytest.approx(logloss / math.log(2), abs=1e-12)
    assert found["calibration"] == pytest.approx(1.75 / 2, abs=1e-12)
    squares = 0.125**2 + 0.5**2 + 0.75**2 + 0.125**2
    assert found["brier_score"] == pytest.approx(squares / 4, abs=1e-12)
    # Each row is a bin of its own.
    gaps = 0.125 + 0.5 + 0.75 + 0.125
    assert found["expected_calibration_error"] == pytest.approx(gaps / 4, abs=1e-12)
    # 0.875 and 0.5 are predicted clicks, one of them rightly.
    assert found["accuracy"] == found["precision"] == found["recall"] == found["f1"] == 0.5


def test_metrics_are_those_of_the_registry_in_its_order():
    assert list(on_rows([1, 0], [0.5, 0.5])) == list(METRICS)


def test_certain_predictions_keep_logloss_finite():
    # The wrong row costs -log(1e-7), the right one next to nothing.
    found = on_rows([1, 0], [1.0, 1.0])
    assert found["logloss"] == pytest.approx(-math.log(1e-7) / 2, abs=1e-6)


def test_precision_without_a_predicted_click_is_zero():
    found = on_rows([1, 0], [0.25, 0.125])
    assert found["precision"] == found["f1"] == 0.0


def test_metrics_of_a_resample_of_one_class_are_not_a_number():
    ranking = Ranking(np.array([True, False, False]), np.array([0.5, 0.25, 0.125], np.float32), 0.5)
    weights = np.array([[1, 0, 3, 1], [1, 2, 0, 2], [1, 1, 0, 0]], np.uint8)
    found = metrics_of(WeightedSums(ranking, lambda rows: weights[rows], 4))
    for name, values in found.items():
        np.testing.assert_array_equal(np.isnan(values), [False, True, True, False], name)


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_metrics_of_weighted_rows_agree_with_scikit_learn(decimals):
    # With 0 decimals more rows are equal than fit into a chunk.
    random = np.random.default_rng(decimals)
    log = Log(5_000, random)
    predictions = log.predict(0.4, random).round(decimals)
    weights = random.lognormal(0.0, 2.0, 5_000)
    found = on_rows(log.labels, predictions, 0.3, weights)
    expected = by_scikit_learn(log.labels, predictions, 0.3, weights)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_metrics_of_weighted_rows_in_a_resample_agree_with_scikit_learn():
    random = np.random.default_rng(7)
    log = Log(2_000, random)
    predictions = log.predict(0.4, random).round(2)
    weights = random.exponential(size=2_000) + 0.01
    draw = PoissonWeights(seed=5, first=8, count=20)
    ranking = Ranking(log.labels, predictions, 0.5, weights)
    found = metrics_of(WeightedSums(ranking, draw, 20))
    draws = draw(np.arange(2_000))
    for resample in (0, 19):
        own = draws[:, resample] * weights
        for name, expected in by_scikit_learn(log.labels, predictions, weights=own).items():
            assert found[name][resample] == pytest.approx(expected, abs=1e-9), name


@pytest.mark.parametrize("decimals", [2, 8])
def test_a_row_of_weight_2_is_that_row_twice(decimals):
    random = np.random.default_rng(8)
    log = Log(777, random)
    predictions = log.predict(0.4, random).round(decimals)
    times = random.integers(1, 4, 777)
    once = on_rows(log.labels, predictions, weights=times.astype(float))
    repeated = on_rows(np.repeat(log.labels, times), np.repeat(predictions, times))
    for name, expected in repeated.items():
        assert once[name] == pytest.approx(expected, rel=1e-12), name


@pytest.mark.parametrize("scale", [1e-30, 1e20])
def test_the_scale_of_the_weights_plays_no_part(scale):
    random = np.random.default_rng(9)
    log = Log(400, random)
    predictions = log.predict(0.4, random)
    weights = random.exponential(size=400) + 0.01
    plain = on_rows(log.labels, predictions, weights=weights)
    scaled = on_rows(log.labels, predictions, weights=weights * scale)
    for name, expected in plain.items():
        assert scaled[name] == pytest.approx(expected, rel=1e-9), name
