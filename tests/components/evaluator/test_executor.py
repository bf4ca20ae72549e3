import json
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.components.pusher import executor as pusher
from tfx.components.util.model_utils import is_model_blessed
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.types.artifact_utils import encode_split_names
from tfx.utils.proto_utils import proto_to_json

from components.evaluator.config import EvaluatorConfig
from components.evaluator.executor import Executor
from components.parquet import list_files, read_table
from schemas.artifacts import Comparison, Predictions
from tests.components.evaluator.tiny import click_log, save_model, save_training, write_split


def artifact(kind, path):
    made = kind()
    made.uri = str(path)
    return made


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("executor")
    examples = artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = encode_split_names(["train", "eval"])
    write_split(folder / "examples/Split-eval", click_log(500, seed=5))
    inputs = {"examples": [examples]}
    for number, name in enumerate(("full", "quotient_remainder")):
        save_model(folder / name / "Format-Serving", 0.25 + number)
        model = artifact(standard_artifacts.Model, folder / name)
        model.id = 7 + number
        inputs[f"model_{name}"] = [model]
        save_training(folder / "run" / name, 4000 - 3000 * number)
        run = artifact(standard_artifacts.ModelRun, folder / "run" / name)
        inputs[f"model_run_{name}"] = [run]
    kinds = {
        "comparison": Comparison,
        "predictions": Predictions,
        "model": standard_artifacts.Model,
        "blessing": standard_artifacts.ModelBlessing,
    }
    made = {key: [artifact(kind, folder / "out" / key)] for key, kind in kinds.items()}
    for (output,) in made.values():
        tf.io.gfile.makedirs(output.uri)
    properties = {"config": EvaluatorConfig().to_json(), "code_version": "any"}
    Executor().Do(inputs, made, properties)
    return {key: output for key, (output,) in made.items()}


def test_executor_writes_the_comparison(outputs):
    written = json.loads(Path(outputs["comparison"].uri, "comparison.json").read_text())
    assert (written["baseline"], written["chosen"]) == ("full", "quotient_remainder")


def test_executor_writes_the_result_of_tfma(outputs):
    written = tfma.load_eval_result(
        f"{outputs['comparison'].uri}/tfma", model_name="quotient_remainder"
    )
    # The labels follow the only feature that the model reads.
    assert written.get_metrics_for_all_slices()[()]["auc_roc"]["doubleValue"] > 0.6


def test_executor_writes_a_column_a_variant(outputs):
    (path,) = list_files(outputs["predictions"].uri)
    assert read_table(path).column_names == ["label", "full", "quotient_remainder"]


def test_executor_copies_the_chosen_model(outputs):
    loaded = tf.saved_model.load(f"{outputs['model'].uri}/Format-Serving")
    assert loaded.weight.numpy() == 1.25
    assert outputs["model"].get_string_custom_property("variant") == "quotient_remainder"


def test_executor_blesses_the_model_for_pusher(outputs):
    blessing = outputs["blessing"]
    assert is_model_blessed(blessing)
    assert blessing.get_int_custom_property("current_model_id") == 8
    assert tf.io.gfile.exists(f"{blessing.uri}/BLESSED")


def test_stock_pusher_pushes_the_chosen_model(outputs, tmp_path):
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
    )
    pusher.Executor().Do(
        {"model": [outputs["model"]], "model_blessing": [outputs["blessing"]]},
        {"pushed_model": [artifact(standard_artifacts.PushedModel, tmp_path / "pushed")]},
        {"push_destination": proto_to_json(destination)},
    )
    (version,) = (tmp_path / "serving").iterdir()
    assert tf.saved_model.load(str(version)).weight.numpy() == 1.25
