import json

import pytest

from components.errors import InputError
from components.training_record import (
    TRAINING_FILE,
    EvalPoint,
    LossPoint,
    TrainingRecord,
    read_training_record,
    table_bytes,
    write_training_record,
)

METRICS = {"auc_roc": 0.75}
RECORD = TrainingRecord(
    variant="full",
    method="full",
    seed=0,
    config={"embedding": {"method": "full"}},
    num_parameters=1000,
    embedding_bytes=4000,
    table_bytes={"C1": 1000, "shared": 3000},
    train_rows=640,
    train_steps=10,
    trace_seconds=0.5,
    train_seconds=2.5,
    train_examples_per_second=256.0,
    final_train_loss=0.6,
    loss_curve=(
        LossPoint(step=5, examples=320, loss=0.65),
        LossPoint(step=10, examples=640, loss=0.6),
    ),
    eval_curve=(
        EvalPoint(step=5, examples=320, train_seconds=1.25, logloss=0.625, metrics=METRICS),
    ),
    eval_curve_rows="validation",
    evaluation_seconds=0.5,
    checkpoint_seconds=0.25,
    best_step=5,
    exported_step=5,
    stop_reason="early_stopping",
    resumed_steps=(3,),
    validation_rows=60,
    eval_rows=100,
    eval_logloss=None,
    export_seconds=1.5,
)


@pytest.fixture
def folder(tmp_path):
    write_training_record(str(tmp_path / "run"), RECORD)
    return tmp_path / "run"


def test_record_is_read_back(folder):
    assert read_training_record(str(folder)) == RECORD


def test_record_is_json_with_the_names_of_its_fields_and_the_only_file(folder):
    assert [path.name for path in folder.iterdir()] == [TRAINING_FILE]
    written = json.loads((folder / TRAINING_FILE).read_text())
    assert (written["train_seconds"], written["embedding_bytes"]) == (2.5, 4000)
    assert written["eval_logloss"] is None
    assert written["loss_curve"][1] == {"step": 10, "examples": 640, "loss": 0.6}


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"training\.json: not found"):
        read_training_record(str(tmp_path))


def test_record_of_older_code_has_no_bytes_by_table(folder):
    facts = json.loads((folder / TRAINING_FILE).read_text())
    del facts["table_bytes"]
    (folder / TRAINING_FILE).write_text(json.dumps(facts))
    assert read_training_record(str(folder)).table_bytes == {}


def test_evaluations_of_older_code_have_no_metrics(folder):
    facts = json.loads((folder / TRAINING_FILE).read_text())
    for field in ("metrics", "train_metrics"):
        del facts["eval_curve"][0][field]
    (folder / TRAINING_FILE).write_text(json.dumps(facts))
    [point] = read_training_record(str(folder)).eval_curve
    assert (point.logloss, point.metrics, point.train_metrics) == (0.625, {}, {})


def test_bytes_that_are_shared_stand_behind_those_of_the_features():
    found = table_bytes(["C2", "C1"], [5, 0], 7)
    assert list(found.items()) == [("C2", 5), ("C1", 0), ("shared", 7)]


def test_bytes_of_tables_that_share_nothing_name_the_features_alone():
    assert table_bytes(["C1"], [5], 0) == {"C1": 5}


def test_bytes_of_a_feature_with_the_name_of_the_shared_ones_are_not_lost():
    assert table_bytes(["shared"], [5], 7) == {"shared": 12}


@pytest.mark.parametrize(
    ("field", "value"),
    [("embedding_bytes", -1), ("train_seconds", "long"), ("loss_curve", [{"step": 1}])],
)
def test_wrong_value_names_file_and_field(folder, field, value):
    facts = json.loads((folder / TRAINING_FILE).read_text())
    (folder / TRAINING_FILE).write_text(json.dumps(facts | {field: value}))
    with pytest.raises(InputError, match=rf"training\.json: (?s:.*){field}"):
        read_training_record(str(folder))


def test_missing_field_names_file_and_field(folder):
    facts = json.loads((folder / TRAINING_FILE).read_text())
    del facts["embedding_bytes"]
    (folder / TRAINING_FILE).write_text(json.dumps(facts))
    with pytest.raises(InputError, match=r"training\.json: (?s:.*)embedding_bytes"):
        read_training_record(str(folder))
