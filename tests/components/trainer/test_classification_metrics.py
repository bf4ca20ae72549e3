import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import unit_weights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.weighted_sums import WeightedSums
from components.trainer.classification_metrics import classification_metrics


def metrics(label: list[float], probability: list[float], weight: list[float]) -> dict[str, float]:
    return classification_metrics(*(np.array(v, np.float32) for v in (label, probability, weight)))


@pytest.mark.parametrize("are_weighted", [False, True])
def test_metrics_are_those_of_the_evaluator(are_weighted: bool) -> None:
    rng = np.random.default_rng(3)
    label = (rng.random(2_000) < 0.3).astype(np.float32)
    # Fifty values: many ties, also at the threshold.
    probability = (np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 0.98) * 50).round() / 50
    probability = probability.astype(np.float32)
    assert (probability == 0.5).any()
    weight = np.array([0.25, 1.0, 4.0])[np.arange(2_000) % 3] if are_weighted else np.ones(2_000)
    weight = weight.astype(np.float32)
    ranking = Ranking(label > 0, probability, 0.5, weight if are_weighted else None)
    evaluator = metrics_of(WeightedSums(ranking, unit_weights, 1))
    found = classification_metrics(label, probability, weight)
    assert set(found) == {"auc_roc", "accuracy", "precision", "recall", "f1"}
    for name, value in found.items():
        assert value == pytest.approx(evaluator[name][0], abs=1e-12), name
    expected = roc_auc_score(label, probability, sample_weight=weight)
    assert found["auc_roc"] == pytest.approx(expected, abs=1e-12)


def test_metrics_by_hand() -> None:
    # The click of weight 2 is above one other row of 1, beside one of 3, below one of 4.
    found = metrics([1, 0, 0, 0, 1], [0.5, 0.1, 0.5, 0.9, 0.9], [2, 1, 3, 4, 0])
    assert found["auc_roc"] == pytest.approx((1 + 0.5 * 3) / 8)
    assert found["accuracy"] == pytest.approx(3 / 10)
    assert found["precision"] == pytest.approx(2 / 9)
    assert found["recall"] == 1.0
    assert found["f1"] == pytest.approx(2 * 2 / 9 / (2 / 9 + 1))


def test_without_a_predicted_click_precision_is_0() -> None:
    found = metrics([1, 0], [0.4, 0.3], [1, 1])
    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)
    assert (found["auc_roc"], found["accuracy"]) == (1.0, 0.5)


def test_what_the_rows_do_not_define_is_left_out() -> None:
    assert metrics([0, 0], [0.4, 0.6], [1, 1]) == {"accuracy": 0.5, "precision": 0.0, "f1": 0.0}
    assert set(metrics([1], [0.4], [1])) == {"accuracy", "precision", "recall", "f1"}
    assert metrics([], [], []) == {}
