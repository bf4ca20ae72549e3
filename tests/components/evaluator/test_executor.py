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
from schemas.artifacts import Comparison, Predictions, Preflight
from schemas.spans import SPANS_PROPERTY, SpanCounts, spans_to_json
from tests.components.evaluator.tiny import click_log, save_model, save_training, write_split
from tests.components.evaluator.tiny_transform import write_transform_graph, write_transformed_split
from tests.components.preflight_sample import sample_result

VARIANTS = ("full", "quotient_remainder")
# The number of a span may be 0.
SPAN = SpanCounts(
    name="0", first_file=0, num_rows={"train": 1, "eval": 500}, num_clicks={"train": 1, "eval": 9}
)
QUICK = EvaluatorConfig(
    num_resamples=100, latency={"batch_sizes": []}, slices={"frequency_bands": False, "time": 0}
)


def artifact(kind, path):
    made = kind()
    made.uri = str(path)
    return made


def examples(folder, kind=standard_artifacts.Examples):
    made = artifact(kind, folder)
    made.split_names = encode_split_names(["train", "eval"])
    return made


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    rows = click_log(500, seed=5)
    write_split(folder / "examples/Split-eval", rows)
    write_transformed_split(folder / "transformed/Split-eval", rows)
    write_transform_graph(folder / "graph")
    made = {
        "examples": [examples(folder / "examples")],
        "transformed_examples": [examples(folder / "transformed")],
        "transform_graph": [artifact(standard_artifacts.TransformGraph, folder / "graph")],
    }
    (folder / "preflight.json").write_text(sample_result().model_dump_json())
    made["preflight"] = [artifact(Preflight, folder)]
    made["examples"][0].set_string_custom_property("input_fingerprint", "abc")
    made["examples"][0].set_string_custom_property(SPANS_PROPERTY, spans_to_json([SPAN]))
    for number, name in enumerate(VARIANTS):
        save_model(folder / name / "Format-Serving", 0.25 + number)
        model = artifact(standard_artifacts.Model, folder / name)
        model.id = 7 + number
        made[f"model_0_{name}"] = [model]
        save_training(folder / "run" / name, 4000 - 3000 * number)
        made[f"model_run_0_{name}"] = [artifact(standard_artifacts.ModelRun, folder / "run" / name)]
    return made


def run(inputs, folder, config):
    kinds = {
        "comparison": Comparison,
        "predictions": Predictions,
        "model": standard_artifacts.Model,
        "blessing": standard_artifacts.ModelBlessing,
        **{f"blessing_{name}": standard_artifacts.ModelBlessing for name in VARIANTS},
    }
    made = {key: [artifact(kind, folder / "out" / key)] for key, kind in kinds.items()}
    for (output,) in made.values():
        tf.io.gfile.makedirs(output.uri)
    Executor().Do(inputs, made, {"config": config.to_json(), "code_version": "any"})
    return {key: output for key, (output,) in made.items()}


@pytest.fixture(scope="module")
def outputs(inputs, tmp_path_factory):
    return run(inputs, tmp_path_factory.mktemp("outputs"), QUICK)


@pytest.fixture(scope="module")
def refused(inputs, tmp_path_factory):
    """The outputs where no variant keeps a constraint."""
    config = QUICK.model_copy(update={"constraints": {"max_embedding_bytes": 1.0}})
    return run(inputs, tmp_path_factory.mktemp("refused"), config)


def test_executor_writes_the_comparison(outputs):
    written = json.loads(Path(outputs["comparison"].uri, "comparison.json").read_text())
    assert (written["baseline"], written["chosen"]) == ("full", "quotient_remainder")
    assert written["data"]["fingerprint"] == "abc"


def test_executor_tells_what_the_preflight_found(outputs):
    written = json.loads(Path(outputs["comparison"].uri, "comparison.json").read_text())
    assert written["preflight"]["steps"][0]["hbm_bytes"] == 46_400_000


def test_executor_tells_the_spans_of_the_examples(outputs):
    written = json.loads(Path(outputs["comparison"].uri, "comparison.json").read_text())
    assert written["data"]["spans"] == [SPAN.model_dump()]


def test_executor_tells_the_ids_and_the_machine(outputs):
    written = json.loads(Path(outputs["comparison"].uri, "comparison.json").read_text())
    assert written["lineage"]["artifact_ids"]["model_0_quotient_remainder"] == [8]
    assert written["lineage"]["environment"]["tensorflow"] == tf.__version__
    assert int(written["lineage"]["environment"]["num_cores"]) > 0


def test_executor_writes_the_result_of_tfma(outputs):
    written = tfma.load_eval_result(
        f"{outputs['comparison'].uri}/tfma", model_name="quotient_remainder"
    )
    # The labels follow the only feature that the model reads.
    metrics = written.get_metrics_for_all_slices()[()]
    assert metrics["auc_roc"] != {}


def test_executor_writes_a_column_a_variant(outputs):
    (path,) = list_files(outputs["predictions"].uri)
    names = read_table(path).column_names
    assert names == ["row_id", "label", "slice:missing fields", *VARIANTS]


def test_executor_copies_the_chosen_model_with_its_card(outputs):
    loaded = tf.saved_model.load(f"{outputs['model'].uri}/Format-Serving")
    assert loaded.weight.numpy() == 1.25
    assert outputs["model"].get_string_custom_property("variant") == "quotient_remainder"
    cards = Path(outputs["model"].uri, "Format-Serving/assets.extra")
    assert "quotient_remainder" in (cards / "model_card.md").read_text()
    assert json.loads((cards / "model_card.json").read_text())["model_details"]


def test_executor_blesses_the_chosen_model_for_pusher(outputs):
    for key in ("blessing", "blessing_quotient_remainder"):
        blessing = outputs[key]
        assert is_model_blessed(blessing)
        assert blessing.get_int_custom_property("current_model_id") == 8
        assert tf.io.gfile.exists(f"{blessing.uri}/BLESSED")


def test_executor_tells_why_another_variant_is_not_blessed(outputs):
    blessing = outputs["blessing_full"]
    assert not is_model_blessed(blessing)
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert tf.io.gfile.exists(f"{blessing.uri}/NOT_BLESSED")
    assert "quotient_remainder is as good or better" in blessing.get_string_custom_property(
        "reason"
    )


def test_executor_copies_nothing_if_no_variant_qualifies(refused):
    assert list(Path(refused["model"].uri).iterdir()) == []
    assert not any(is_model_blessed(refused[key]) for key in refused if key.startswith("blessing"))
    reason = refused["blessing"].get_string_custom_property("reason")
    assert reason.startswith("Ship nothing: no variant keeps max_embedding_bytes 1 B,")


def push(outputs, folder):
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(folder / "serving"))
    )
    pushed = artifact(standard_artifacts.PushedModel, folder / "pushed")
    pusher.Executor().Do(
        {"model": [outputs["model"]], "model_blessing": [outputs["blessing"]]},
        {"pushed_model": [pushed]},
        {"push_destination": proto_to_json(destination)},
    )
    return pushed


def test_stock_pusher_pushes_the_chosen_model(outputs, tmp_path):
    push(outputs, tmp_path)
    (version,) = (tmp_path / "serving").iterdir()
    assert tf.saved_model.load(str(version)).weight.numpy() == 1.25


def test_stock_pusher_pushes_nothing_that_is_not_blessed(refused, tmp_path):
    pushed = push(refused, tmp_path)
    assert not (tmp_path / "serving").exists()
    assert pushed.get_int_custom_property("pushed") == 0
