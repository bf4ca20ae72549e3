import gc
import logging
import math
import weakref

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest

from components.errors import InputError
from components.evaluator import predict as module
from components.evaluator.config import EvaluatorConfig
from components.evaluator.predict import write_predictions
from components.parquet import list_files, read_table
from components.progress import PROGRESS_LOGGER
from schemas.criteo import CATEGORICAL_FEATURES
from tests.components.evaluator.tiny import raw_rows, save_model, write_split
from tests.components.evaluator.tiny_transform import (
    write_transform_graph,
    write_transformed_split,
)

NO_SLICES = {"frequency_bands": False, "missing": False, "time": 0}


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "full": str(save_model(folder / "full", 0.5)),
        "hashing:1": str(save_model(folder / "hashing", -1.0)),
    }


def predict(tmp_path, models, *tables, transformed=None, **config):
    raw = write_split(tmp_path / "raw", *tables)
    output = str(tmp_path / "predictions")
    write_predictions(
        make_pipeline=beam.Pipeline,
        eval_files=list_files(raw),
        transformed_split_uri=write_transformed_split(tmp_path / "ids", *(transformed or tables)),
        transform_graph_uri=write_transform_graph(tmp_path / "graph"),
        model_paths=models,
        output_dir=output,
        config=EvaluatorConfig.model_validate(config),
    )
    return [read_table(path) for path in list_files(output)]


def test_predictions_of_three_rows_by_hand(tmp_path, models):
    rows = raw_rows([1, 0, 1], [2, None, -4], [b"05db9164", b"05db9164", None])
    (table,) = predict(tmp_path, models, rows, slices=NO_SLICES)
    assert table.column_names == ["row_id", "label", "full", "hashing:1"]
    assert table["row_id"].to_pylist() == [0, 1, 2]
    assert table["label"].to_pylist() == [1, 0, 1]
    # weight * I1, where a missing I1 is 0, plus 1 where C1 is missing.
    full = [sigmoid(1.0), 0.5, sigmoid(-2.0 + 1.0)]
    hashing = [sigmoid(-2.0), 0.5, sigmoid(4.0 + 1.0)]
    np.testing.assert_allclose(table["full"].to_numpy(), full, rtol=1e-6)
    np.testing.assert_allclose(table["hashing:1"].to_numpy(), hashing, rtol=1e-6)


def test_predictions_have_their_columns_in_order_and_of_their_types(tmp_path, models):
    rows = raw_rows([1, 0], [2, None], [b"05db9164", b"bb"])
    (table,) = predict(tmp_path, models, rows, slices={"columns": ("I1",)})
    slices = [*(f"slice:frequency of {name}" for name in CATEGORICAL_FEATURES)]
    slices += ["slice:missing fields", "slice:time", "slice:I1"]
    text = pa.dictionary(pa.int32(), pa.string())
    assert table.schema.equals(
        pa.schema(
            [
                ("row_id", pa.int64()),
                ("label", pa.int64()),
                *((name, text) for name in slices),
                ("full", pa.float32()),
                ("hashing:1", pa.float32()),
            ]
        )
    )


def test_predictions_of_several_files_have_the_slices_of_the_whole_split(tmp_path, models):
    first = raw_rows([1, 0], [2, 2], [b"05db9164", b"bb"])
    second = raw_rows([1, 0], [2, 3], [None, b"zz"])
    slices = {"time": 2, "columns": ("I1",), "max_values": 1}
    tables = predict(tmp_path, models, first, second, slices=slices)
    found = {name: [t[name].to_pylist() for t in tables] for name in tables[0].column_names}
    assert found["row_id"] == [[0, 1], [2, 3]]
    assert found["slice:frequency of C1"] == [["head", "tail"], ["missing", "unseen"]]
    assert found["slice:time"] == [["1 of 2", "1 of 2"], ["2 of 2", "2 of 2"]]
    assert found["slice:I1"] == [["2", "2"], ["2", "other"]]


def test_predictions_do_not_depend_on_the_batch_size(tmp_path, models):
    rows = raw_rows([0, 1, 0, 1, 1], [1, 2, 3, 4, 5], [b"aa"] * 5)
    (whole,) = predict(tmp_path / "a", models, rows)
    (pieces,) = predict(tmp_path / "b", models, rows, batch_size=2)
    assert whole.equals(pieces)


def test_predictions_keep_one_file_a_file_and_its_rows(tmp_path, models):
    first, none, last = (raw_rows([k % 2] * k, [k] * k, [None] * k) for k in (3, 0, 1))
    tables = predict(tmp_path, models, first, none, last)
    assert [table["label"].to_pylist() for table in tables] == [[1, 1, 1], [], [1]]
    assert [table["row_id"].to_pylist() for table in tables] == [[0, 1, 2], [], [3]]


def test_predictions_that_are_not_numbers_keep_their_column(tmp_path, models):
    diverged = str(save_model(tmp_path / "diverged", math.nan))
    rows = raw_rows([0, 1], [1, 2], [b"aa"] * 2)
    (table,) = predict(tmp_path, {"full": models["full"], "bad": diverged}, rows)
    assert np.isnan(table["bad"].to_numpy()).all()
    assert np.isfinite(table["full"].to_numpy()).all()


def test_transformed_rows_of_another_number_are_named(tmp_path, models):
    rows, fewer = raw_rows([0, 1], [1, 2], [b"aa"] * 2), raw_rows([0], [1], [b"aa"])
    expected = r"ids.*parquet: expected the 2 rows of .*raw.*parquet; received 1"
    with pytest.raises(InputError, match=expected):
        predict(tmp_path, models, rows, transformed=[fewer])


def test_unknown_slice_column_fails_before_a_model_is_loaded(tmp_path):
    with pytest.raises(InputError, match=r"evaluator\.slices\.columns"):
        predict(
            tmp_path, {"full": "nowhere"}, raw_rows([0], [1], [None]), slices={"columns": ("X",)}
        )


def test_predictions_report_their_progress(tmp_path, models, caplog):
    rows = raw_rows([0, 1, 0], [1, 2, 3], [b"aa"] * 3)
    with caplog.at_level(logging.INFO, logger=PROGRESS_LOGGER):
        predict(tmp_path, models, rows, batch_size=2)
    said = [record.getMessage() for record in caplog.records if record.name == PROGRESS_LOGGER]
    assert said == [
        "loading model 1 of 2: full",
        "loading model 2 of 2: hashing:1",
        "predicted 2 of 3 rows x 2 models",
        "predicted 3 of 3 rows x 2 models",
    ]


def test_predictions_let_go_of_the_models(tmp_path, models, monkeypatch):
    loaded = []
    load = module.tf.saved_model.load

    def watched(path: str) -> object:
        model = load(path)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr(module.tf.saved_model, "load", watched)
    predict(tmp_path, models, raw_rows([0, 1], [1, 2], [b"aa"] * 2))
    gc.collect()
    assert [reference() for reference in loaded] == [None, None]


def test_weights_of_the_log_stand_behind_the_labels(tmp_path, models):
    rows = raw_rows([1, 0], [2, None], [b"05db9164", b"bb"])
    weights = pa.array([0.5, 3.0], pa.float32())
    (table,) = predict(tmp_path, models, rows.add_column(1, "weight", weights), slices=NO_SLICES)
    assert table.column_names == ["row_id", "label", "weight", "full", "hashing:1"]
    assert table["weight"].type == pa.float32()
    assert table["weight"].to_pylist() == [0.5, 3.0]
    np.testing.assert_allclose(table["full"].to_numpy(), [sigmoid(1.0), 0.5], rtol=1e-6)
