import math

import numpy as np
import pytest

from components.evaluator.statistics.poisson_weights import unit_weights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.weighted_sums import WeightedSums


def slow_sums(labels, predictions, weights, threshold):
    """Row by row, and pair by pair."""
    rows = list(zip(labels.tolist(), predictions.tolist(), weights.tolist(), strict=True))
    clicks = [(p, w) for label, p, w in rows if label]
    others = [(p, w) for label, p, w in rows if not label]
    sums = {
        "clicks": sum(w for _, w in clicks),
        "others": sum(w for _, w in others),
        "clicks_above": sum(w for p, w in clicks if p >= threshold),
        "others_above": sum(w for p, w in others if p >= threshold),
        "predictions": sum(w * p for _, p, w in rows),
        "losses": sum(-w * math.log(p if label else 1 - p) for label, p, w in rows),
        "squared_errors": sum(w * (p - label) ** 2 for label, p, w in rows),
        "inverted_pairs": 0.0,
        "precisions": 0.0,
    }
    for click, w in clicks:
        above = [(label, v) for label, p, v in rows if p >= click]
        weight = sum(v for _, v in above)
        if weight:
            sums["precisions"] += w * sum(v for label, v in above if label) / weight
        for other, v in others:
            sums["inverted_pairs"] += w * v * ((click < other) + (click == other) / 2)
    return sums


@pytest.mark.parametrize("are_weighted", [False, True])
@pytest.mark.parametrize("levels", [1, 7, 10**6])
def test_sums_agree_with_a_slow_twin(levels, are_weighted):
    # Rows enough for several blocks; with one level all of them are one group.
    random = np.random.default_rng(levels)
    labels = random.random(600) < 0.3
    predictions = ((random.integers(0, levels, 600) + 0.5) / levels).astype(np.float32)
    weights = random.exponential(size=600) if are_weighted else np.ones(600)
    draws = random.poisson(size=(600, 3)).astype(np.uint8)
    ranking = Ranking(labels, predictions, 0.6, weights if are_weighted else None)
    found = WeightedSums(ranking, lambda rows: draws[rows], 3)
    for resample in range(3):
        expected = slow_sums(labels, predictions, draws[:, resample] * weights, 0.6)
        for name, value in expected.items():
            assert getattr(found, name)[resample] == pytest.approx(value, rel=1e-12), name


def test_sums_of_whole_weights_are_exact():
    random = np.random.default_rng(0)
    labels = random.random(5000) < 0.3
    predictions = random.random(5000).astype(np.float32)
    found = WeightedSums(Ranking(labels, predictions, 0.5), unit_weights, 1)
    order = np.argsort(-predictions)
    others_above = np.cumsum(~labels[order])
    assert found.inverted_pairs[0] == np.sum(others_above[labels[order]])
    assert (found.clicks[0], found.others[0]) == (labels.sum(), (~labels).sum())


def test_light_rows_beside_heavy_ones_keep_their_share():
    # A click of weight 1e6 stands above, then others of 1e-6, and a click among them.
    labels = np.array([True, False, True, False])
    predictions = np.array([0.9, 0.5, 0.4, 0.3], np.float32)
    weights = np.array([1e6, 1e-6, 1e-6, 3e-6])
    found = WeightedSums(Ranking(labels, predictions, 0.5, weights), unit_weights, 1)
    assert found.inverted_pairs[0] == pytest.approx(1e-12, rel=1e-12)
    assert found.others[0] == pytest.approx(4e-6, rel=1e-12)
