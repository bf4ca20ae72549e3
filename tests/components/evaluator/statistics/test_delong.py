import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.evaluator.statistics.delong import SlicedClasses
from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.slice_places import SlicePlaces
from components.evaluator.statistics.weighted_sums import WeightedSums
from tests.components.evaluator.statistics.simulation import Log

# The ovarian cancer data of DeLong et al. (1988) as SAS/STAT prints them in its example "Comparing
# Receiver Operating Characteristic Curves": albumin, total protein, K-G score (before it is taken
# from 10), and whether surgery did not help (0) or did (1).
PATIENTS = """
3.0 5.8 10 0   3.2 6.3  5 1   3.9 6.8  3 1   2.8 4.8  6 0   3.2 5.8  3 1   0.9 4.0  5 0
2.5 5.7  8 0   1.6 5.6  5 1   3.8 5.7  5 1   3.7 6.7  6 1   3.2 5.4  4 1   3.8 6.6  6 1
4.1 6.6  5 1   3.6 5.7  5 1   4.3 7.0  4 1   3.6 6.7  4 0   2.3 4.4  6 1   4.2 7.6  4 0
4.0 6.6  6 0   3.5 5.8  6 1   3.8 6.8  7 1   3.0 4.7  8 0   4.5 7.4  5 1   3.7 7.4  5 1
3.1 6.6  6 1   4.1 8.2  6 1   4.3 7.0  5 1   4.3 6.5  4 1   3.2 5.1  5 1   2.6 4.7  6 1
3.3 6.8  6 0   1.7 4.0  7 0   3.7 6.1  5 1   3.3 6.3  7 1   4.2 7.7  6 1   3.5 6.2  5 1
2.9 5.7  9 0   2.1 4.8  7 1   2.8 6.2  8 0   4.0 7.0  7 1   3.3 5.7  6 1   3.7 6.9  5 1
3.6 6.6  5 1
"""


@pytest.fixture(scope="module")
def patients():
    """Labels, and the three tests with the sign that makes a higher one mean a 1."""
    albumin, protein, score, label = np.array(PATIENTS.split(), float).reshape(-1, 4).T
    return label == 1, {"albumin": albumin, "protein": protein, "score": 10 - score}


def areas(labels, predictions, keys, weights=None):
    """Returns the areas of the slices of several keys; each is places and a number of slices."""
    weights = np.ones(len(labels)) if weights is None else weights
    classes = SlicedClasses(SlicePlaces(keys), labels, weights)
    return classes.areas(np.asarray(predictions, np.float32))


def measure(labels, predictions, weights=None):
    """Returns the area and the influences of all rows as one slice."""
    found = areas(labels, predictions, [(np.zeros(len(labels), int), 1)], weights)
    return found.values[0], found.influences[:, 0]


def error(influences):
    return math.sqrt(np.sum(influences**2))


def slow_area(labels, predictions, weights):
    """By all pairs; returns the area and the placements of clicks and of others."""
    clicks, others = predictions[labels][:, np.newaxis], predictions[~labels]
    wins = (clicks > others) + (clicks == others) / 2
    area = weights[labels] @ wins @ weights[~labels]
    area /= weights[labels].sum() * weights[~labels].sum()
    return (
        area,
        np.average(wins, axis=1, weights=weights[~labels]),
        np.average(wins, axis=0, weights=weights[labels]),
    )


@pytest.mark.parametrize(
    ("test", "area", "published"),
    [("albumin", 0.7366, 0.0927), ("protein", 0.6478, 0.1000), ("score", 0.7258, 0.1028)],
)
def test_error_agrees_with_the_published_one(patients, test, area, published):
    labels, tests = patients
    found, influences = measure(labels, tests[test])
    assert found == pytest.approx(area, abs=5e-5)
    assert error(influences) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize(
    ("test", "difference", "published"),
    [("albumin", 0.0108, 0.0953), ("protein", -0.0780, 0.1046)],
)
def test_error_of_a_difference_agrees_with_the_published_one(patients, test, difference, published):
    labels, tests = patients
    (own, influences), (other, of_other) = (measure(labels, tests[t]) for t in (test, "score"))
    assert own - other == pytest.approx(difference, abs=5e-5)
    assert error(influences - of_other) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("decimals", [1, 8])
@pytest.mark.parametrize("are_weighted", [False, True])
def test_area_and_influences_agree_with_all_pairs(decimals, are_weighted):
    random = np.random.default_rng(0)
    labels = random.random(200) < 0.3
    predictions = random.random(200).round(decimals).astype(np.float32)
    weights = random.exponential(size=200) + 0.01 if are_weighted else np.ones(200)
    area, of_clicks, of_others = slow_area(labels, predictions, weights)
    found, influences = measure(labels, predictions, weights if are_weighted else None)
    assert found == pytest.approx(area, rel=1e-12)
    for own, placed in ((labels, of_clicks), (~labels, of_others)):
        num_rows, total = np.count_nonzero(own), weights[own].sum()
        expected = weights[own] * (placed - area) / total * math.sqrt(num_rows / (num_rows - 1))
        np.testing.assert_allclose(influences[own], expected, rtol=1e-9, atol=1e-15)


def test_area_with_weights_agrees_with_scikit_learn():
    random = np.random.default_rng(1)
    labels = random.random(500) < 0.3
    predictions = random.random(500).round(2).astype(np.float32)
    weights = random.exponential(size=500) + 0.01
    expected = roc_auc_score(labels, predictions, sample_weight=weights)
    assert measure(labels, predictions, weights)[0] == pytest.approx(expected, abs=1e-9)


def test_influences_are_derivatives():
    # What the area changes by with a little more of a row, but for the factor m / (m - 1).
    random = np.random.default_rng(2)
    labels = random.random(40) < 0.4
    predictions = random.random(40).round(1).astype(np.float32)
    weights = random.exponential(size=40) + 0.1
    area, influences = measure(labels, predictions, weights)
    for row in range(40):
        more = weights * np.where(np.arange(40) == row, 1 + 1e-6, 1)
        change = (slow_area(labels, predictions, more)[0] - area) / 1e-6
        num_rows = np.count_nonzero(labels == labels[row])
        expected = change * math.sqrt(num_rows / (num_rows - 1))
        assert influences[row] == pytest.approx(expected, abs=1e-5)


def test_equal_weights_change_nothing():
    random = np.random.default_rng(3)
    labels = random.random(300) < 0.3
    predictions = random.random(300).round(2)
    plain, heavy = measure(labels, predictions), measure(labels, predictions, np.full(300, 2.5))
    assert plain[0] == pytest.approx(heavy[0], rel=1e-12)
    np.testing.assert_allclose(plain[1], heavy[1], rtol=1e-9)


def test_error_by_hand():
    # Clicks 3 and 1, others 2 and 0: placements 1, 1/2 and 1/2, 1, so the area is 3/4.
    labels = np.array([True, False, True, False])
    area, influences = measure(labels, [3.0, 2.0, 1.0, 0.0])
    assert area == 0.75
    # Either class has variance 1/8 over 2 rows.
    assert error(influences) == pytest.approx(math.sqrt(1 / 8))


def test_slices_are_measured_by_themselves():
    random = np.random.default_rng(4)
    labels, predictions = random.random(300) < 0.3, random.random(300).round(2).astype(np.float32)
    keys = [random.integers(-1, 3, 300), random.integers(0, 2, 300)]
    found = areas(labels, predictions, list(zip(keys, (3, 2), strict=True)))
    for slice_number, (key, place) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]):
        own = keys[key] == place
        area, influences = measure(labels[own], predictions[own])
        assert found.values[slice_number] == pytest.approx(area, rel=1e-12)
        np.testing.assert_allclose(found.influences[own, key], influences, rtol=1e-9)
    assert not found.influences[keys[0] == -1, 0].any()


def test_slice_with_one_click_has_no_area():
    area, influences = measure(np.array([True, False, False]), [0.5, 0.2, 0.1])
    assert np.isnan(area)
    assert not influences.any()


@pytest.mark.parametrize("are_weighted", [False, True])
def test_errors_agree_with_the_bootstrap(are_weighted):
    random = np.random.default_rng(5)
    log = Log(4000, random)
    weights = random.exponential(size=4000) + 0.1 if are_weighted else None
    columns = [log.predict(0.3, random), log.predict(0.6, random)]
    draw = PoissonWeights(seed=1, first=0, count=1000)
    resampled = [
        metrics_of(WeightedSums(Ranking(log.labels, each, 0.5, weights), draw, 1000))["auc_roc"]
        for each in columns
    ]
    found = [measure(log.labels, each, weights)[1] for each in columns]
    # A standard deviation of 1,000 resamples is off by 2.2 %; 5 of those.
    assert error(found[0]) == pytest.approx(np.std(resampled[0], ddof=1), rel=0.11)
    expected = np.std(resampled[1] - resampled[0], ddof=1)
    assert error(found[1] - found[0]) == pytest.approx(expected, rel=0.11)
