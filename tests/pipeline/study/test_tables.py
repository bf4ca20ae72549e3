import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from pipeline.study.result import GroupResult, StudyResult, Training
from pipeline.study.tables import CURVES, FINALS, curves_table, finals_table, write_tables
from tests.pipeline.study.result_parts import comparison, groups, metric, record, timing

SKIPPED = Training("skipped", "device gpu: none")


@pytest.fixture(scope="module")
def result():
    """A finished cell, one with a failed seed, one beside another group's baseline; no GPU."""
    main, sampling = groups()
    full, hashing, gpu, _ = main.cells
    [sampled, sampled_gpu] = sampling.cells
    trainings = {
        full.name: (
            Training("done", record=record(full.name, 0), timing=timing(full, 0)),
            Training("done", record=record(full.name, 1, seconds=4.0), timing=timing(full, 1)),
        ),
        hashing.name: (
            Training("failed", "its process was killed"),
            Training("done", record=record(hashing.name, 1)),
        ),
        **{cell.name: (SKIPPED, SKIPPED) for cell in main.cells[2:]},
    }
    of_sampling = {
        sampled.name: tuple(
            Training("done", record=record(sampled.name, seed, train_rows=60)) for seed in (0, 1)
        ),
        sampled_gpu.name: (SKIPPED, SKIPPED),
    }
    found = comparison(full.name, {full.name: {"auc_roc": metric(0.75), "f1": metric(0.5)}})
    alone = comparison(sampled.name, {sampled.name: {"auc_roc": metric(0.5)}})
    metrics = {sampled.name: {"auc_roc": metric(0.5, difference=-0.25, adjusted=0.03)}}
    assert gpu.device == "gpu"
    return StudyResult(
        (
            GroupResult(main, trainings, 999_900, found, baseline=full),
            GroupResult(sampling, of_sampling, 999_900, alone, metrics, full),
        )
    )


def test_curves_have_a_row_for_each_evaluation(result):
    rows = curves_table(result).to_pylist()
    assert [(row["cell"], row["seed"], row["step"]) for row in rows[:6]] == [
        ("1MB/dlrm_full", 0, 1),
        ("1MB/dlrm_full", 0, 2),
        ("1MB/dlrm_full", 1, 1),
        ("1MB/dlrm_full", 1, 2),
        ("1MB/dlrm_hashing", 0, None),
        ("1MB/dlrm_hashing", 1, 1),
    ]
    assert rows[1] == {
        "cell": "1MB/dlrm_full",
        "dataset": "1MB",
        "dataset_bytes": 999_900,
        "num_train_rows": 100,
        "num_eval_rows": 25,
        "architecture": "dlrm",
        "variant": "full",
        "method": "baseline",
        "value": "",
        "seed": 0,
        "device": "cpu",
        "status": "done",
        "error": None,
        "step": 2,
        "epoch": 2.0,
        "seconds": 2.0,
        "train_logloss": 0.4,
        "train_auc_roc": 0.8,
        "train_accuracy": None,
        "train_precision": None,
        "train_recall": None,
        "train_f1": None,
        "eval_logloss": 0.5,
        "eval_auc_roc": 0.7,
        "eval_accuracy": 0.75,
        "eval_precision": None,
        "eval_recall": 0.25,
        "eval_f1": None,
        "is_last": True,
        "batch_size": 256,
        "dense_learning_rate": 0.02,
        "embedding_learning_rate": 0.04,
        "epochs": 1,
        "embedding_bytes": 4000,
        "num_parameters": 1000,
        "train_seconds": 2.0,
        "train_examples_per_second": 100.0,
        "num_cores": 0.5,
        "parallel_cells": 2,
    }
    assert (rows[0]["is_last"], rows[0]["epoch"], rows[0]["seconds"]) == (False, 1.0, 1.0)


def test_failed_and_skipped_trainings_have_one_row_without_figures(result):
    rows = curves_table(result).to_pylist()
    failed = rows[4]
    assert (failed["status"], failed["error"]) == ("failed", "its process was killed")
    known = {"cell", "dataset", "dataset_bytes", "architecture", "variant", "method", "value"}
    known |= {"seed", "device", "status", "error", "batch_size", "epochs", "num_train_rows"}
    known |= {"dense_learning_rate", "embedding_learning_rate"}
    assert {name for name, value in failed.items() if value is not None} == known
    skipped = [row for row in rows if row["device"] == "gpu"]
    assert len(skipped) == 6
    assert {(row["status"], row["error"]) for row in skipped} == {("skipped", "device gpu: none")}


def test_a_training_that_the_study_did_not_time_has_no_cores(result):
    row = curves_table(result).to_pylist()[5]
    assert (row["cell"], row["status"]) == ("1MB/dlrm_hashing", "done")
    assert (row["num_cores"], row["parallel_cells"]) == (None, None)


def test_finals_have_a_row_for_each_cell(result):
    rows = finals_table(result).to_pylist()
    assert [row["cell"] for row in rows] == [
        "1MB/dlrm_full",
        "1MB/dlrm_hashing",
        "1MB/dlrm_full_gpu",
        "1MB/dlrm_hashing_gpu",
        "1MB/dlrm_full_sampling_0_5",
        "1MB/dlrm_full_sampling_0_5_gpu",
    ]
    full = {name: value for name, value in rows[0].items() if value is not None}
    assert full == {
        "cell": "1MB/dlrm_full",
        "dataset": "1MB",
        "dataset_bytes": 999_900,
        "num_train_rows": 100,
        "architecture": "dlrm",
        "variant": "full",
        "method": "baseline",
        "value": "",
        "device": "cpu",
        "num_seeds": 2,
        "baseline": "1MB/dlrm_full",
        "auc_roc": 0.75,
        "auc_roc_low": 0.5,
        "auc_roc_high": 1.0,
        "f1": 0.5,
        "f1_low": 0.25,
        "f1_high": 0.75,
        "embedding_bytes": 4000,
        "train_seconds": 3.0,  # the median of 2 and 4
        "train_examples_per_second": 75.0,  # of 100 and 50
        "best_auc_roc": 0.9,
    }


def test_a_cell_with_a_failed_seed_is_not_compared(result):
    hashing = finals_table(result).to_pylist()[1]
    assert (hashing["num_seeds"], hashing["auc_roc"], hashing["baseline"]) == (1, None, None)
    assert (hashing["train_seconds"], hashing["embedding_bytes"]) == (2.0, 4000)


def test_a_cell_with_other_train_rows_has_the_datasets_baseline(result):
    sampled = finals_table(result).to_pylist()[4]
    assert (sampled["baseline"], sampled["num_train_rows"]) == ("1MB/dlrm_full", 60)
    names = ("auc_roc", "auc_roc_low", "auc_roc_difference", "auc_roc_difference_low", "auc_roc_p")
    assert [sampled[name] for name in names] == [0.5, 0.25, -0.25, -0.5, 0.03]


def test_tables_are_written_as_parquet_and_csv(result, tmp_path):
    curves, finals = curves_table(result), finals_table(result)
    write_tables(tmp_path, {"curves": curves, "finals": finals})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curves.csv",
        "curves.parquet",
        "finals.csv",
        "finals.parquet",
    ]
    assert pq.read_table(tmp_path / "curves.parquet") == curves
    text = csv.open_csv(tmp_path / "finals.csv").read_all()
    assert text.column_names == FINALS.names
    assert text["cell"].to_pylist() == finals["cell"].to_pylist()


def test_a_study_without_any_finished_training_has_tables_of_the_same_columns():
    main, _ = groups()
    trainings = {cell.name: (SKIPPED, SKIPPED) for cell in main.cells}
    empty = StudyResult((GroupResult(main, trainings),))
    assert curves_table(empty).schema == CURVES
    assert finals_table(empty).schema == FINALS
    assert finals_table(empty).num_rows == 4
