import numpy as np
import pytest

from components.evaluator.statistics.slices import slice_results
from components.evaluator.statistics.work import SlicesPiece
from tests.components.evaluator.statistics.simulation import Log, write_predictions


@pytest.fixture
def tables(tmp_path):
    """Rows 0 to 99 are `a`, rows 100 to 139 `b` without a click, rows 140 to 149 `c`."""
    random = np.random.default_rng(0)
    log = Log(150, random)
    labels = np.where((np.arange(150) >= 100) & (np.arange(150) < 140), False, log.labels)
    columns = {name: log.predict(0.3, random) for name in ("full", "full:1")}
    columns |= {name: log.predict(1.5, random) for name in ("tiny", "tiny:1", "small", "small:1")}
    values = ["a"] * 100 + ["b"] * 40 + ["c"] * 10
    files = tuple(write_predictions(tmp_path / "p", labels, columns, {"C1": values}, num_files=3))
    variants = tuple((name, (name, f"{name}:1")) for name in ("full", "tiny", "small"))
    return [SlicesPiece(files, ("C1",), variants, min_rows=20).measure()]


def test_slices_tell_their_rows_and_clicks(tables):
    found = slice_results(tables, "full", 0.95)["tiny"]
    assert [(each.key, each.value, each.num_rows) for each in found] == [
        ("C1", "a", 100),
        ("C1", "b", 40),
    ]
    assert found[1].num_clicks == 0


def test_metrics_that_are_not_defined_are_left_out(tables):
    for slices in slice_results(tables, "full", 0.95).values():
        assert set(slices[0].metrics) == {
            "auc_roc",
            "logloss",
            "normalized_entropy",
            "calibration",
        }
        assert set(slices[1].metrics) == {"logloss"}


def test_differences_are_to_the_baseline_by_replica(tables):
    found = slice_results(tables, "full", 0.95)["tiny"][0].metrics["logloss"]
    rows = {row["variant"]: row for row in tables[0].to_pylist() if row["value"] == "a"}
    own, baseline = (np.array(rows[name]["logloss"]) for name in ("tiny", "full"))
    assert found.estimate.value == pytest.approx(own.mean())
    assert found.difference.value == pytest.approx((own - baseline).mean())
    expected = np.std(own - baseline, ddof=1) / np.sqrt(2)
    assert found.seed_error == pytest.approx(expected)
    assert found.sampling_error == rows["tiny"]["logloss_difference_error"]


def test_baseline_has_no_difference(tables):
    for each in slice_results(tables, "full", 0.95)["full"]:
        assert all(result.difference is None for result in each.metrics.values())


def test_p_values_are_adjusted_for_variants_and_slices_together(tables):
    found = slice_results(tables, "full", 0.95)
    family = [each.metrics["logloss"] for name in ("tiny", "small") for each in found[name]]
    smallest = min(family, key=lambda result: result.p_value)
    assert smallest.adjusted_p_value == pytest.approx(min(1.0, 4 * smallest.p_value))


def test_no_slices_are_no_results(tables):
    assert slice_results([table.slice(0, 0) for table in tables], "full", 0.95) == {}
