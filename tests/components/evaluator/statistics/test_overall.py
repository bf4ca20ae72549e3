import logging

import numpy as np
import pytest

from components.errors import InputError
from components.evaluator.measures import METRICS
from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.weighted_sums import WeightedSums
from tests.components.evaluator.statistics.simulation import Log, compare


@pytest.fixture(scope="module")
def log():
    return Log(2000, np.random.default_rng(0))


@pytest.fixture(scope="module")
def columns(log):
    random = np.random.default_rng(1)
    return {
        name: [log.predict(noise, random) for _ in range(2)]
        for name, noise in (("full", 0.3), ("hashing", 0.4), ("tiny", 1.0))
    }


@pytest.fixture(scope="module")
def compared(log, columns):
    return compare(log.labels, columns, num_resamples=100, seed=3)


def test_every_variant_has_every_metric_in_order(compared):
    assert {name: list(each) for name, each in compared.items()} == {
        name: list(METRICS) for name in ("full", "hashing", "tiny")
    }


@pytest.mark.parametrize("metric", ["auc_roc", "f1"])
def test_differences_are_paired_over_resamples_and_replicas(log, columns, compared, metric):
    draw = PoissonWeights(seed=3, first=0, count=100)

    def resampled(name):
        rankings = [Ranking(log.labels, each, 0.5) for each in columns[name]]
        return [metrics_of(WeightedSums(each, draw, 100))[metric] for each in rankings]

    tiny, full = resampled("tiny"), resampled("full")
    result = compared["tiny"][metric]
    expected = np.std((tiny[0] + tiny[1]) / 2 - (full[0] + full[1]) / 2, ddof=1)
    assert result.sampling_error == pytest.approx(expected)
    by_replica = [
        compare(log.labels, {n: [columns[n][i]] for n in ("full", "tiny")}, 100, 3)["tiny"][metric]
        for i in range(2)
    ]
    differences = [each.difference.value for each in by_replica]
    assert result.difference.value == pytest.approx(np.mean(differences))
    assert result.seed_error == pytest.approx(abs(differences[0] - differences[1]) / 2)


def test_p_values_are_adjusted_for_the_number_of_variants(compared):
    raw = {name: compared[name]["auc_roc"].p_value for name in ("hashing", "tiny")}
    assert raw["tiny"] < raw["hashing"]
    assert compared["tiny"]["auc_roc"].adjusted_p_value == pytest.approx(2 * raw["tiny"])
    assert compared["hashing"]["auc_roc"].adjusted_p_value == pytest.approx(raw["hashing"])


def test_equal_predictions_do_not_differ_at_all(log, columns):
    twins = {"full": columns["full"][:1], "copy": columns["full"][:1]}
    found = compare(log.labels, twins, num_resamples=100, seed=0)["copy"]
    for result in found.values():
        assert result.difference.standard_error == 0.0
        assert result.p_value == result.adjusted_p_value == 1.0


def test_resamples_of_one_class_are_left_out(caplog):
    # A resample lacks the only click with probability exp(-1), and the others hardly ever.
    labels = np.arange(40) == 0
    predictions = np.linspace(0.1, 0.9, 40).astype(np.float32)
    with caplog.at_level(logging.WARNING):
        found = compare(labels, {"full": [predictions]}, num_resamples=200, seed=0)
    assert all(np.isfinite(each.sampling_error) for each in found["full"].values())
    weights = PoissonWeights(seed=0, first=0, count=200)(np.arange(40))
    num_left_out = np.count_nonzero(weights[0] == 0)
    assert f"{num_left_out} of 200 resamples" in caplog.text


def test_rows_of_one_class_are_refused():
    predictions = np.full(30, 0.5, np.float32)
    with pytest.raises(InputError, match=r"label 0 and rows with label 1.*100 of 100"):
        compare(np.zeros(30, bool), {"full": [predictions]}, num_resamples=100, seed=0)
