import math

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from sklearn.metrics import log_loss, roc_auc_score

from components.evaluator.metrics import compute_metrics
from components.parquet import list_files
from tests.components.evaluator.tiny import write_split


def compute(tmp_path, *tables, num_thresholds=10_000):
    files = list_files(write_split(tmp_path / "split", *tables))
    names = [name for name in tables[0].column_names if name != "label"]
    return compute_metrics(
        beam.Pipeline, files, names, str(tmp_path / "tfma"), num_thresholds=num_thresholds
    )


def noisy_log(num_rows: int, click_rate: float, seed: int) -> pa.Table:
    """Labels drawn from known log odds, and two models that see the log odds with noise."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=num_rows) + math.log(click_rate / (1 - click_rate))
    labels = (random.random(num_rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    columns = {"label": labels}
    for name, noise in (("full", 0.3), ("hashing", 0.6)):
        seen = logits + random.normal(scale=noise, size=num_rows)
        columns[name] = (1 / (1 + np.exp(-seen))).astype(np.float32)
    return pa.table(columns)


@pytest.mark.parametrize("click_rate", [0.25, 0.03])
def test_metrics_agree_with_scikit_learn(tmp_path, click_rate):
    # Files of unequal size: a mean of means would be wrong.
    log = noisy_log(12_000, click_rate, seed=1)
    found = compute(tmp_path, log.slice(0, 10_000), log.slice(10_000, 1), log.slice(10_001))
    labels = log["label"].to_numpy()
    for name in ("full", "hashing"):
        predictions = log[name].to_numpy().astype(np.float64)
        assert found[name].auc_roc == pytest.approx(roc_auc_score(labels, predictions), abs=1e-4)
        assert found[name].logloss == pytest.approx(log_loss(labels, predictions), abs=1e-6)
        assert found[name].calibration == pytest.approx(predictions.mean() / labels.mean(), 1e-6)


def test_metrics_of_four_rows_by_hand_with_one_variant(tmp_path):
    table = pa.table({"label": [1, 0, 1, 0], "full": [0.8, 0.4, 0.3, 0.1]})
    found = compute(tmp_path, table)["full"]
    # Pairs (click, no click): 0.8 > 0.4, 0.8 > 0.1, 0.3 < 0.4, 0.3 > 0.1: 3 of 4.
    assert found.auc_roc == pytest.approx(0.75, abs=1e-9)
    expected = -(math.log(0.8) + math.log(0.6) + math.log(0.3) + math.log(0.9)) / 4
    assert found.logloss == pytest.approx(expected, abs=1e-9)
    assert found.calibration == pytest.approx(1.6 / 2, abs=1e-9)


def test_metrics_of_certain_predictions_stay_finite(tmp_path):
    found = compute(tmp_path, pa.table({"label": [1, 0], "full": [1.0, 1.0]}))["full"]
    # The wrong row costs -log(1e-7), the right one next to nothing.
    assert found.logloss == pytest.approx(-math.log(1e-7) / 2, rel=1e-6)
    assert found.auc_roc == pytest.approx(0.5, abs=1e-9)


def test_metrics_skip_a_file_without_rows(tmp_path):
    table = pa.table({"label": [1, 0], "full": [0.6, 0.2]})
    found = compute(tmp_path, table, table.slice(0, 0))["full"]
    assert found.auc_roc == pytest.approx(1.0, abs=1e-9)


def test_metrics_are_written_for_tfma(tmp_path):
    table = pa.table({"label": [1, 0], "full": [0.6, 0.2], "hashing": [0.1, 0.2]})
    compute(tmp_path, table)
    written = tfma.load_eval_result(str(tmp_path / "tfma"), model_name="hashing")
    overall = written.get_metrics_for_all_slices()[()]
    assert overall["auc_roc"]["doubleValue"] == pytest.approx(0.0, abs=1e-9)


def test_metrics_do_not_depend_on_the_name_of_a_variant(tmp_path):
    first = {"label": [1, 0, 1], "full": [0.9, 0.2, 0.4], "num_rows": [0.8, 0.4, 0.3]}
    second = {"label": [0], "full": [0.5], "num_rows": [0.1]}
    found = compute(tmp_path, pa.table(first), pa.table(second))["num_rows"]
    # The four rows of the case by hand, in two files of unequal length.
    assert found.auc_roc == pytest.approx(0.75, abs=1e-9)
    expected = -(math.log(0.8) + math.log(0.6) + math.log(0.3) + math.log(0.9)) / 4
    assert found.logloss == pytest.approx(expected, abs=1e-9)
