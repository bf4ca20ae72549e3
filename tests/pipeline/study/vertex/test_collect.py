"""Cells whose rows a method has changed, and steps that Vertex AI took from its cache."""

import json

import pytest

from pipeline.study.config import StudyConfig
from pipeline.study.grid import make_groups
from pipeline.study.vertex import collect as collect_module
from pipeline.study.vertex.cell_runs import cell_runs
from pipeline.study.vertex.cell_state import CellState
from pipeline.study.vertex.collect import collect
from pipeline.vertex.runs.run_state import CANCELLED, SKIPPED, SUCCEEDED, RunState, TaskState
from pipeline.vertex.site import Site
from tests.pipeline.study.result_parts import comparison, metric, record

FULL, SAMPLED = "dlrm_full", "dlrm_full_sampling_0_5"


@pytest.fixture(scope="module")
def groups():
    study = StudyConfig(
        preset="tiny",
        datasets=["1MB"],
        variants={"full": {}},
        methods={"sampling": {"example_gen.negative_sampling_rate": [0.5]}},
        seeds=1,
    )
    return make_groups(study, "x")


def runs(groups):
    site = Site("ads-12345", "us-central1", "gs://clicks/runs", "gcr.io/ads/dlrm:1")
    return cell_runs(groups, site, "gs://clicks/log/day_*")


def ended(folder, cell, auc_roc):
    """A run that has brought everything; its rows are from the cache."""
    name = cell.cell.name
    outputs = {
        "ExampleGen": {"quarantine": {"summary.json": json.dumps({"version": {"num_bytes": 9}})}},
        f"Trainer_{name}": {"model_run": {"training.json": record(name, 0).model_dump_json()}},
        "Evaluator": {
            "comparison": {
                "comparison.json": comparison(name, {name: {"auc_roc": metric(auc_roc)}}).to_json()
            },
            "predictions": {},
        },
    }
    tasks = []
    for step, keys in outputs.items():
        uris = {key: folder / name / step / key for key in keys}
        for key, files in keys.items():
            uris[key].mkdir(parents=True)
            for file, text in files.items():
                (uris[key] / file).write_text(text)
        state = SKIPPED if step == "ExampleGen" else SUCCEEDED
        tasks.append(TaskState(step, state, outputs={k: str(uri) for k, uri in uris.items()}))
    return CellState(cell, RunState(name, SUCCEEDED, "", "link", tasks=tuple(tasks)))


def test_cell_with_other_rows_is_beside_the_baseline_of_the_dataset(groups, tmp_path, monkeypatch):
    asked = []

    def across(*arguments):
        asked.append(arguments[:5])
        return {SAMPLED: {"auc_roc": metric(0.6, -0.1, 0.01)}}

    monkeypatch.setattr(collect_module, "compare_across", across)
    first, second = runs(groups)
    states = [ended(tmp_path, first, 0.7), ended(tmp_path, second, 0.61)]
    main, sampled = collect(states, groups).groups
    uris = [str(tmp_path / name / "Evaluator/predictions") for name in (FULL, SAMPLED)]
    assert asked == [(uris[0], FULL, uris[1], [SAMPLED], 1)]
    assert sampled.baseline == main.baseline == first.cell
    assert sampled.metrics[SAMPLED]["auc_roc"].estimate.value == 0.6
    assert main.metrics[FULL]["auc_roc"].estimate.value == 0.7
    assert main.dataset_bytes == 9


def test_cell_with_other_eval_rows_has_no_difference(groups, tmp_path, monkeypatch):
    monkeypatch.setattr(collect_module, "compare_across", lambda *_: {})
    states = [ended(tmp_path, each, 0.7) for each in runs(groups)]
    _, sampled = collect(states, groups).groups
    assert sampled.baseline.name == SAMPLED
    assert sampled.metrics[SAMPLED]["auc_roc"].difference is None


def test_artifact_that_cannot_be_read_fails_its_cell_alone(groups, tmp_path, monkeypatch):
    monkeypatch.setattr(collect_module, "compare_across", lambda *_: {})
    states = [ended(tmp_path, each, 0.7) for each in runs(groups)]
    (tmp_path / SAMPLED / f"Trainer_{SAMPLED}/model_run/training.json").write_text("{")
    main, sampled = collect(states, groups).groups
    assert [each.status for each in main.trainings[FULL]] == ["done"]
    [training] = sampled.trainings[SAMPLED]
    assert training.status == "failed"
    assert "training.json" in training.error


def test_cancelled_run_is_a_failed_training(groups, tmp_path):
    first, second = runs(groups)
    cancelled = CellState(second, RunState("run-2", CANCELLED, "", "link"))
    _, sampled = collect([ended(tmp_path, first, 0.7), cancelled], groups).groups
    [training] = sampled.trainings[SAMPLED]
    assert (training.status, training.error) == (
        "failed",
        "run-2 cancelled: no reason given; logs: link",
    )
