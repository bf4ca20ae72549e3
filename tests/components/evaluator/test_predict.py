import logging
import math

import apache_beam as beam
import numpy as np
import pytest

from components.evaluator.predict import write_predictions
from components.parquet import list_files, read_table
from components.progress import PROGRESS_LOGGER
from tests.components.evaluator.tiny import raw_rows, save_model, write_split


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "full": str(save_model(folder / "full", 0.5)),
        "hashing": str(save_model(folder / "hashing", -1.0)),
    }


def predict(tmp_path, models, *tables, batch_size=8192):
    split = write_split(tmp_path / "split", *tables)
    output = str(tmp_path / "predictions")
    write_predictions(beam.Pipeline, list_files(split), models, output, batch_size)
    return [read_table(path) for path in list_files(output)]


def test_predictions_of_three_rows_by_hand(tmp_path, models):
    rows = raw_rows([1, 0, 1], [2, None, -4], [b"05db9164", b"05db9164", None])
    (table,) = predict(tmp_path, models, rows)
    assert table.column_names == ["label", "full", "hashing"]
    assert table["label"].to_pylist() == [1, 0, 1]
    # weight * I1, where a missing I1 is 0, plus 1 where C1 is missing.
    full = [sigmoid(1.0), 0.5, sigmoid(-2.0 + 1.0)]
    hashing = [sigmoid(-2.0), 0.5, sigmoid(4.0 + 1.0)]
    np.testing.assert_allclose(table["full"].to_numpy(), full, rtol=1e-6)
    np.testing.assert_allclose(table["hashing"].to_numpy(), hashing, rtol=1e-6)
    assert table["full"].to_numpy().dtype == np.float32


def test_predictions_do_not_depend_on_the_batch_size(tmp_path, models):
    rows = raw_rows([0, 1, 0, 1, 1], [1, 2, 3, 4, 5], [b"aa"] * 5)
    (whole,) = predict(tmp_path / "a", models, rows)
    (pieces,) = predict(tmp_path / "b", models, rows, batch_size=2)
    assert whole.equals(pieces)


def test_predictions_keep_one_file_a_file_and_its_rows(tmp_path, models):
    first, none, last = (raw_rows([k % 2] * k, [k] * k, [None] * k) for k in (3, 0, 1))
    tables = predict(tmp_path, models, first, none, last)
    assert [table["label"].to_pylist() for table in tables] == [[1, 1, 1], [], [1]]


def test_predictions_report_their_progress(tmp_path, models, caplog):
    rows = raw_rows([0, 1, 0], [1, 2, 3], [b"aa"] * 3)
    with caplog.at_level(logging.INFO, logger=PROGRESS_LOGGER):
        predict(tmp_path, models, rows, batch_size=2)
    assert caplog.messages == [
        "predicted 2 of 3 rows x 2 variants",
        "predicted 3 of 3 rows x 2 variants",
    ]
