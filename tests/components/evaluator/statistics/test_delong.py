import math

import numpy as np
import pytest

from components.evaluator.statistics.delong import placement_error, placements
from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights
from components.evaluator.statistics.ranking import Ranking
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


@pytest.mark.parametrize(
    ("test", "area", "error"),
    [("albumin", 0.7366, 0.0927), ("protein", 0.6478, 0.1000), ("score", 0.7258, 0.1028)],
)
def test_error_agrees_with_the_published_one(patients, test, area, error):
    labels, tests = patients
    placed = placements(labels, tests[test])
    assert np.mean(placed[labels]) == pytest.approx(area, abs=5e-5)
    assert placement_error(labels, placed) == pytest.approx(error, abs=5e-5)


@pytest.mark.parametrize(
    ("test", "difference", "error"), [("albumin", 0.0108, 0.0953), ("protein", -0.0780, 0.1046)]
)
def test_error_of_a_difference_agrees_with_the_published_one(patients, test, difference, error):
    labels, tests = patients
    placed = placements(labels, tests[test]) - placements(labels, tests["score"])
    assert np.mean(placed[labels]) == pytest.approx(difference, abs=5e-5)
    assert placement_error(labels, placed) == pytest.approx(error, abs=5e-5)


def test_placements_with_ties_agree_with_all_pairs():
    random = np.random.default_rng(0)
    labels = random.random(200) < 0.3
    predictions = random.integers(0, 12, 200).astype(np.float32)
    clicks, others = predictions[labels], predictions[~labels]
    wins = (clicks[:, None] > others) + (clicks[:, None] == others) / 2
    placed = placements(labels, predictions)
    np.testing.assert_allclose(placed[labels], wins.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(placed[~labels], wins.mean(axis=0), rtol=1e-12)


def test_error_by_hand():
    # Clicks 3 and 1, others 2 and 0: placements 1, 1/2 and 1/2, 1.
    labels = np.array([True, False, True, False])
    placed = placements(labels, np.array([3.0, 2.0, 1.0, 0.0]))
    np.testing.assert_allclose(placed, [1.0, 0.5, 0.5, 1.0])
    # Either class has variance 1/8 over 2 rows.
    assert placement_error(labels, placed) == pytest.approx(math.sqrt(1 / 8))


def test_errors_agree_with_the_bootstrap():
    random = np.random.default_rng(5)
    log = Log(4000, random)
    columns = [log.predict(0.3, random), log.predict(0.6, random)]
    draw = PoissonWeights(seed=1, first=0, count=2000)
    resampled = [
        metrics_of(WeightedSums(Ranking(log.labels, each, 0.5), draw, 2000))["auc_roc"]
        for each in columns
    ]
    placed = [placements(log.labels, each) for each in columns]
    # A standard deviation of 2,000 resamples is off by 1.6 %; 5 of those.
    expected = np.std(resampled[0], ddof=1)
    assert placement_error(log.labels, placed[0]) == pytest.approx(expected, rel=0.08)
    expected = np.std(resampled[1] - resampled[0], ddof=1)
    assert placement_error(log.labels, placed[1] - placed[0]) == pytest.approx(expected, rel=0.08)
