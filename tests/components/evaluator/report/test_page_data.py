import json

import pytest

from components.evaluator.report.page_data import page_data, script_json
from components.training_record import LossPoint
from tests.components.evaluator.report.sample import sample_comparison


@pytest.fixture(scope="module")
def data():
    return page_data(sample_comparison(3, chosen="int8"))


def test_script_json_cannot_end_the_script_element():
    name = "</script><!-- & <b>"
    text = script_json({"name": name})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"name": name}


def test_page_data_of_the_baseline_has_no_difference(data):
    assert data["variants"][0]["difference"] is None
    assert data["variants"][0]["slices"] == {}


def test_page_data_of_a_variant_has_difference_and_interval(data):
    difference = data["variants"][1]["difference"]
    error = 1.96 * 0.0017 / 3
    assert difference == pytest.approx([-0.0004, -0.0004 - error, -0.0004 + error], rel=1e-4)


def test_page_data_tells_frequency_slices_from_others(data):
    assert data["slices"][2] == ["C1", "frequency of C1", "tail", 11_000]
    assert data["slices"][-1] == [None, "span", "2026-01-16", 60_000]
    assert data["bands"] == ["head", "middle", "tail", "unseen", "missing"]


def test_page_data_of_a_latency_tells_how_far_its_interval_reaches():
    comparison = sample_comparison(1, chosen="full")
    ends = {"p99_ms": 2.0, "p99_low_ms": 1.75, "p99_high_ms": 2.5}
    shown = latency_data(comparison, ends)
    assert (shown["interval"], shown["less"], shown["more"]) == (" (1.75 to 2.50 ms)", 0.25, 0.5)


def test_page_data_of_a_latency_of_few_calls_reaches_to_the_slowest():
    comparison = sample_comparison(1, chosen="full")
    quantiles = (1.0,) * 40 + (4.0,)
    ends = {"p99_ms": 3.0, "p99_low_ms": 2.0, "p99_high_ms": None, "quantiles_ms": quantiles}
    shown = latency_data(comparison, ends)
    assert (shown["interval"], shown["less"], shown["more"]) == (" (2.00 ms or more)", 1, 1)


def latency_data(comparison, changes):
    """Returns what the page knows of the first latency, changed like this."""
    full = comparison.variants[0]
    latency = full.latency[0].model_copy(update=changes)
    changed = full.model_copy(update={"latency": (latency,)})
    (variant,) = page_data(comparison.model_copy(update={"variants": (changed,)}))["variants"]
    return variant["latency"]["1"]


def test_page_data_has_a_front_line_only_if_the_front_is_of_the_cost_shown(data):
    by_quality = sample_comparison(3, chosen="int8").model_copy(update={"objective": "logloss"})
    assert data["has_front_line"] is True
    assert page_data(by_quality)["has_front_line"] is False


def test_page_data_of_a_missing_slice_is_null():
    comparison = sample_comparison(2, chosen="full")
    cut = comparison.variants[1]
    cut = cut.model_copy(update={"slices": cut.slices[1:]})
    data = page_data(comparison.model_copy(update={"variants": (comparison.variants[0], cut)}))
    assert data["variants"][1]["slices"]["auc_roc"][0] is None
    assert data["variants"][1]["slices"]["auc_roc"][1] is not None


def test_page_data_sums_small_tables(data):
    assert data["tables"] == [*(f"C{number}" for number in range(26, 19, -1)), "other tables"]
    assert sum(data["variants"][0]["table_bytes"]) == sum(
        sample_comparison(1, chosen="full").variants[0].table_bytes.values()
    )


def test_page_data_averages_the_loss_over_a_tenth_of_the_curve():
    points = tuple(
        LossPoint(step=number + 1, examples=number + 1, loss=float(number % 2))
        for number in range(40)
    )
    comparison = sample_comparison(1, chosen="full")
    variant = comparison.variants[0].model_copy(update={"loss_curve": points})
    data = page_data(comparison.model_copy(update={"variants": (variant,)}))
    loss = data["variants"][0]["loss"]["logloss"]
    # Two points on each side: 0 1 0 1 0 has the mean 0.4; at the start 0 1 0 only.
    assert loss[0] == pytest.approx(1 / 3, rel=1e-4)
    assert loss[20] == pytest.approx(0.4)
    assert loss[21] == pytest.approx(0.6)


def test_page_data_of_24_variants_is_small():
    assert len(script_json(page_data(sample_comparison(24)))) < 1_000_000


def test_page_data_names_the_largest_table_of_every_variant():
    first = sample_comparison(1, chosen="full").variants[0]
    shared = first.model_copy(update={"name": "shared", "table_bytes": {"shared": 1}})
    comparison = sample_comparison(1, chosen="full")
    data = page_data(comparison.model_copy(update={"variants": (first, shared)}))
    assert data["tables"][-2:] == ["shared", "other tables"]
    assert data["variants"][1]["table_bytes"] == [0] * (len(data["tables"]) - 2) + [1, 0]
