"""What made an artifact."""

import json
from pathlib import Path
from typing import Any

from pipeline.lineage.store import read_snapshot
from pipeline.lineage.trace import trace_document, upstream
from tests.pipeline.lineage.conftest import Recorded
from tests.pipeline.lineage.tfx_store import TfxStore, trainer_config


def _trace(recorded: Recorded, step: str, key: str) -> dict[str, Any]:
    artifact = recorded.snapshot.artifacts[recorded.made[step][key]]
    return trace_document(recorded.snapshot, artifact)


def test_trace_names_the_chosen_variants_trainer_and_seed(recorded: Recorded) -> None:
    summary = _trace(recorded, "pusher", "pushed_model")["summary"]
    assert (summary["variant"], summary["seed"]) == ("hashing", 3)
    assert summary["compared_variants"] == ["full", "hashing"]
    assert summary["trainer"]["node"] == "Trainer_hashing"
    assert summary["trainer"]["code_version"] == "7ra14e4"
    assert summary["trainer"]["config"]["bottom_mlp"] == [64, 16]


def test_trace_through_cached_steps_names_the_run_that_executed_them(recorded: Recorded) -> None:
    summary = _trace(recorded, "pusher/2", "pushed_model")["summary"]
    assert (summary["variant"], summary["seed"]) == ("full", 2)
    assert [(step["node"], step["run"]) for step in summary["steps"]] == [
        ("ClickLogExampleGen", "run-1"),
        ("SchemaGen", "run-1"),
        ("Transform", "run-1"),
        ("Trainer_full", "run-1"),
        ("Trainer_hashing", "run-1"),
        ("Evaluator", "run-2"),
        ("Pusher", "run-2"),
    ]
    assert [run["id"] for run in summary["runs"]] == ["run-1", "run-2"]


def test_trace_names_data_schema_and_preprocessing(recorded: Recorded) -> None:
    summary = _trace(recorded, "pusher/2", "pushed_model")["summary"]
    assert summary["data"] == [
        {
            "node": "ClickLogExampleGen",
            "execution": recorded.made["gen"]["execution"],
            "input_base": "/logs/",
            "patterns": ["day_*.tsv"],
            "fingerprint": "num_files:2,total_bytes:90",
            "files": None,
        }
    ]
    schema = recorded.made["schema"]["schema"]
    assert summary["schema"] == [
        {"id": schema, "uri": "/schema", "node": "SchemaGen", "code_version": "5c4e3a"}
    ]
    assert summary["preprocessing"]["config"] == {"min_count": 4}
    assert summary["tfx_versions"] == ["1.16.0"]


def test_trace_lists_every_steps_code_version(recorded: Recorded) -> None:
    steps = _trace(recorded, "pusher", "pushed_model")["summary"]["steps"]
    assert {step["node"]: step["code_version"] for step in steps} == {
        "ClickLogExampleGen": "e8a3p1e",
        "SchemaGen": "5c4e3a",
        "Transform": "7ra25f0",
        "Trainer_full": "7ra14e4",
        "Trainer_hashing": "7ra14e4",
        "Evaluator": "e7a1",
        "Pusher": None,
    }


def test_trace_reads_the_files_from_the_summary_of_the_quarantine(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    outputs = {"examples": ("Examples", {}), "quarantine": ("schemas.Quarantine", {})}
    made = store.step("ClickLogExampleGen", outputs=outputs, input_base="/logs/")
    snapshot = read_snapshot(tmp_path)
    folder = Path(snapshot.artifacts[made["quarantine"]].uri)
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps({"files": {"/logs/a": 7, "/logs/b": 5}}))
    document = trace_document(snapshot, snapshot.artifacts[made["examples"]])
    assert document["summary"]["data"][0]["files"] == [
        {"path": "/logs/a", "num_lines": 7},
        {"path": "/logs/b", "num_lines": 5},
    ]


def test_trace_of_a_trainers_model_names_that_trainer(recorded: Recorded) -> None:
    summary = _trace(recorded, "full", "model")["summary"]
    assert (summary["variant"], summary["compared_variants"]) == ("full", ["full"])


def test_trace_of_the_comparison_names_the_variant_chosen_with_it(recorded: Recorded) -> None:
    assert _trace(recorded, "evaluator/2", "comparison")["summary"]["variant"] == "full"


def test_trace_before_training_names_no_trainer(recorded: Recorded) -> None:
    summary = _trace(recorded, "transform", "transform_graph")["summary"]
    assert (summary["variant"], summary["trainer"], summary["seed"]) == (None, None, None)


def test_trace_takes_the_variant_of_the_nearest_artifact_that_names_one(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    models = {
        name: store.step(f"Trainer_{name}", outputs={"model": ("Model", {"variant": name})})[
            "model"
        ]
        for name in ("full", "hashing", "other")
    }
    made = store.step("Evaluator", models, {"model": ("Model", {"variant": "hashing"})})
    pushed = store.step("Pusher", {"model": made["model"]}, {"pushed_model": ("PushedModel", {})})
    snapshot = read_snapshot(tmp_path)
    summary = trace_document(snapshot, snapshot.artifacts[pushed["pushed_model"]])["summary"]
    assert summary["trainer"]["node"] == "Trainer_hashing"


def test_trace_of_models_compared_without_choice_names_no_trainer(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    models = {
        name: store.step(
            f"Trainer_{name}",
            outputs={"model": ("Model", {})},
            custom_config=trainer_config(name, seed=1),
        )["model"]
        for name in ("full", "hashing")
    }
    made = store.step("Evaluator", models, {"comparison": ("schemas.Comparison", {})})
    snapshot = read_snapshot(tmp_path)
    summary = trace_document(snapshot, snapshot.artifacts[made["comparison"]])["summary"]
    assert (summary["trainer"], summary["compared_variants"]) == (None, ["full", "hashing"])


def test_trace_lineage_holds_every_artifact_upstream_and_nothing_else(recorded: Recorded) -> None:
    made = recorded.made
    lineage = _trace(recorded, "full", "model")["lineage"]
    assert [artifact["id"] for artifact in lineage["artifacts"]] == sorted(
        [
            made["gen"]["examples"],
            made["schema"]["schema"],
            made["transform"]["transform_graph"],
            made["transform"]["transformed_examples"],
            made["full"]["model"],
        ]
    )
    assert [execution["node"] for execution in lineage["executions"]] == [
        "ClickLogExampleGen",
        "SchemaGen",
        "Transform",
        "Trainer_full",
    ]


def test_upstream_is_nearest_first_in_key_order_and_each_once(recorded: Recorded) -> None:
    model = recorded.snapshot.artifacts[recorded.made["pusher"]["pushed_model"]]
    assert [execution.node for execution in upstream(recorded.snapshot, model)] == [
        "Pusher",
        "Evaluator",
        "ClickLogExampleGen",
        "Trainer_full",
        "Trainer_hashing",
        "Transform",
        "SchemaGen",
    ]
