import pytest

from components.evaluator.measures import COSTS, METRICS, batch_size_of, find_measure


def test_measures_are_found_by_their_names():
    for name, measure in {**METRICS, **COSTS}.items():
        assert find_measure(name) == measure
        assert measure.name == name


@pytest.mark.parametrize(
    ("name", "unit", "better"),
    [
        ("latency_p50_batch1", "ms", "lower"),
        ("latency_p99_batch2048", "ms", "lower"),
        ("examples_per_second_batch128", "/s", "higher"),
    ],
)
def test_latencies_are_measures_for_every_batch_size(name, unit, better):
    measure = find_measure(name)
    assert (measure.unit, measure.better) == (unit, better)
    assert batch_size_of(name) == int(name.rpartition("batch")[2])


@pytest.mark.parametrize("name", ["", "auc", "latency_p90_batch1", "latency_p99_batch", "x_batch1"])
def test_unknown_names_are_no_measures(name):
    assert find_measure(name) is None
    assert batch_size_of(name) is None
