from pathlib import Path

import numpy as np
import pytest

from components.parquet import read_table
from components.trainer.data import read_rows
from components.trainer.devices import make_devices
from components.trainer.evaluation import Evaluation
from components.trainer.loop.evaluated_rows import EvaluatedRows, write_train_eval_rows
from schemas.click_log import WEIGHT
from tests.components.trainer.small_log import (
    CONFIG,
    SmallLog,
    make_network,
    with_weights,
)


def test_the_sample_lies_at_even_distances_over_all_files(log: SmallLog, tmp_path: Path) -> None:
    files = with_weights(log.train_files, tmp_path / "weighted")
    sample = read_rows(write_train_eval_rows(files, 70, str(tmp_path)))
    rows = [read_rows(path) for path in files]
    for name in ("dense", "categorical", "label", "weight"):
        expected = np.concatenate([getattr(each, name) for each in rows])[::10]
        np.testing.assert_array_equal(getattr(sample, name), expected)


def test_the_sample_has_each_row_once_at_most(log: SmallLog, tmp_path: Path) -> None:
    table = read_table(write_train_eval_rows(log.train_files, 10_000, str(tmp_path)))
    assert table.num_rows == 700
    assert WEIGHT not in table.column_names


def test_of_many_files_sixteen_are_read(log: SmallLog, tmp_path: Path) -> None:
    files = [str(tmp_path / f"absent_{number}") for number in range(46)]
    files[::3] = [log.train_files[0]] * 16
    assert read_table(write_train_eval_rows(files, 32, str(tmp_path))).num_rows == 32


def test_rows_that_are_trained_on_are_judged_as_served(log: SmallLog, tmp_path: Path) -> None:
    fields = {"evals_per_epoch": 1, "train_eval_rows": 700, "negative_sampling_rate": 0.25}
    config = type(CONFIG).model_validate(CONFIG.model_dump() | fields)
    network, splits = make_network(config), (log.train_files, (), log.eval_files)
    devices = make_devices("cpu")
    rows = EvaluatedRows.of_training(network, config, devices, *splits, str(tmp_path))
    expected = Evaluation(network, config, log.train_files, True, with_metrics=True)
    assert rows.trained_on() == pytest.approx(expected())
    expected = Evaluation(network, config, log.eval_files, False, with_metrics=True)
    assert rows.held_out() == pytest.approx(expected())


def test_without_evaluations_there_is_nothing_to_compute(log: SmallLog, tmp_path: Path) -> None:
    splits = (log.train_files, (), log.eval_files)
    network, devices = make_network(CONFIG), make_devices("cpu")
    assert EvaluatedRows.of_training(network, CONFIG, devices, *splits, str(tmp_path)) is None
    config = CONFIG.model_copy(update={"evals_per_epoch": 1})
    rows = EvaluatedRows.of_training(network, config, devices, *splits, str(tmp_path))
    assert rows.trained_on is None
    assert not list(tmp_path.iterdir())
