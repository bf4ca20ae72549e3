"""Cells beside the baseline of another group, on predictions written by hand."""

import numpy as np
import pyarrow as pa
import pytest

from components.evaluator.config import EvaluatorConfig
from components.parquet import write_table
from pipeline.study.across import compare_across

LABELS = np.tile([0, 0, 1, 1], 25)
GOOD = np.tile([0.1, 0.2, 0.7, 0.9], 25)  # auc_roc 1
HALF = np.tile([0.1, 0.8, 0.7, 0.9], 25)  # one click of four pairs below: auc_roc 0.75
CONFIG = EvaluatorConfig(num_resamples=100)


def write(folder, columns, labels=LABELS):
    """Two files; `columns` hold the predictions of all rows."""
    folder.mkdir()
    for number, part in enumerate((slice(0, 40), slice(40, 100))):
        rows = {"row_id": pa.array(np.arange(100)[part]), "label": pa.array(labels[part])}
        values = {n: pa.array(v[part].astype(np.float32)) for n, v in columns.items()}
        write_table(pa.table({**rows, **values}), str(folder / f"part-{number}.parquet"))
    return str(folder)


@pytest.fixture
def baseline_uri(tmp_path):
    return write(tmp_path / "main", {"full": GOOD, "full:1": GOOD, "other": HALF, "other:1": HALF})


def compare(baseline_uri, uri):
    return compare_across(baseline_uri, "full", uri, ["sampled"], 2, CONFIG)


def test_differences_are_to_the_other_groups_baseline(baseline_uri, tmp_path):
    uri = write(tmp_path / "own", {"sampled": HALF, "sampled:1": HALF})
    auc_roc = compare(baseline_uri, uri)["sampled"]["auc_roc"]
    assert auc_roc.estimate.value == pytest.approx(0.75)
    assert auc_roc.difference.value == pytest.approx(-0.25)
    assert auc_roc.difference.high < 0
    assert auc_roc.adjusted_p_value < 0.01


def test_equal_predictions_differ_in_nothing(baseline_uri, tmp_path):
    uri = write(tmp_path / "own", {"sampled": GOOD, "sampled:1": GOOD})
    difference = compare(baseline_uri, uri)["sampled"]["logloss"].difference
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_other_eval_rows_are_not_compared(baseline_uri, tmp_path):
    labels = LABELS.copy()
    labels[[0, 2]] = [1, 0]
    uri = write(tmp_path / "own", {"sampled": HALF, "sampled:1": HALF}, labels)
    assert compare(baseline_uri, uri) == {}


def test_a_broken_prediction_is_not_compared(baseline_uri, tmp_path):
    broken = HALF.copy()
    broken[7] = np.nan
    uri = write(tmp_path / "own", {"sampled": HALF, "sampled:1": broken})
    assert compare(baseline_uri, uri) == {}
