"""The tables as objects."""

import numpy as np
import pytest

from pipeline.study.outcome.figures.convergence_curves import curve_of
from pipeline.study.outcome.figures.pareto_fronts import pareto_front
from pipeline.study.outcome.figures.tuning_curves import best_of
from pipeline.study.outcome.read import read_study
from pipeline.study.outcome.study import Interval
from pipeline.study.outcome.style import variant_marks
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables

ROOT = final_row(key("root"), 0.7)


def study_of(*finals, curves=()):
    return read_study(*tables(curves, [ROOT, *finals]))


@pytest.mark.parametrize(
    ("others", "changes"),
    [
        ({"variant": "hashing"}, ("variant",)),
        ({"method": "batch_size", "value": "64"}, ("method",)),
        ({"architecture": "dcnv2", "device": "gpu"}, ("architecture", "device")),
    ],
)
def test_changes_are_those_to_the_baseline(others, changes):
    study = study_of(final_row(key("x", **others), 0.7, baseline="root"))
    assert study.changes_of(study.find("x")) == changes
    assert study.root_of(study.find("x")).cell == "root"


def test_baseline_that_was_not_measured_is_none():
    study = study_of(final_row(key("x", variant="b"), 0.7, (1, 0.9, 1.1), baseline="gone"))
    assert study.baseline_of(study.find("x")) is None
    assert not study.is_clear(study.find("x"))


def test_difference_without_an_interval_is_never_clear():
    row = final_row(key("x", variant="b"), 0.7, (0.5, None, None), baseline="root")
    study = study_of(row)
    assert study.find("x").differences["auc_roc"] == Interval(0.5, -np.inf, np.inf)
    assert not study.is_clear(study.find("x"))


def test_intervals_end_where_metrics_end():
    row = final_row(key("x"), 0.9, auc_roc_low=-0.2, auc_roc_high=1.4, logloss_high=1.4)
    cell = study_of(row).find("x")
    assert cell.metrics["auc_roc"] == (0.9, 0.0, 1.0)
    assert cell.metrics["logloss"].high == 1.4


def test_datasets_come_by_size_though_a_method_drops_rows():
    rows = [
        final_row(key("b", dataset="10MB", num_train_rows=100, method="sampling"), 0.7),
        final_row(key("c", dataset="10MB", num_train_rows=32_000), 0.7),
    ]
    study = study_of(*rows)
    assert study.datasets == ("1MB", "10MB")
    assert [cell.cell for cell in study.cells] == ["root", "c", "b"]


def test_curve_is_the_mean_of_the_seeds_where_all_have_a_value():
    curves = [*run_rows(key("root"), [0.5, 0.4, 0.3]), *run_rows(key("root"), [0.7, 0.5], seed=1)]
    curve = curve_of(study_of(curves=curves).runs_of("root"), "eval_logloss", "epoch")
    assert curve.x.tolist() == [0.5, 1.0]
    assert curve.mean == pytest.approx([0.6, 0.45])
    assert (curve.low.tolist(), curve.high.tolist()) == ([0.5, 0.4], [0.7, 0.5])


def test_front_has_what_nothing_else_beats():
    points = {"a": (1e6, 0.70), "b": (2e6, 0.69), "c": (3e6, 0.75), "d": (3e6, 0.74)}
    rows = [
        final_row(key(name, variant=name), auc_roc, embedding_bytes=size)
        for name, (size, auc_roc) in points.items()
    ]
    cells = [cell for cell in study_of(*rows).cells if cell.cell != "root"]
    assert [cell.cell for cell in pareto_front(cells)] == ["a", "c"]


def test_best_value_is_the_highest_auc_and_the_lowest_logloss():
    rows = [final_row(key(n, method="m", value=n), auc) for n, auc in (("1", 0.7), ("2", 0.8))]
    cells = study_of(*rows).cells[1:]
    assert best_of(cells, "auc_roc").value == best_of(cells, "logloss").value == "2"


def test_marks_of_variants_are_told_apart():
    names = [f"v{i}" for i in range(24)]
    marks = variant_marks(names)
    assert len({(mark.color, mark.marker) for mark in marks.values()}) == 24
