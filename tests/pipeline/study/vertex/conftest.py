"""A study on a Vertex AI on loopback; what its runs bring lies in a local folder."""

import json

import pytest

from components.example_gen.quarantine import SUMMARY
from tests.pipeline.study.result_parts import comparison, metric, record
from tests.pipeline.vertex.cli_flags import SITE, WHERE
from tests.pipeline.vertex.conftest import (  # noqa: F401
    bucket,
    logs_as_before,
    storage_server,
    vertex,
)

STUDY = """
preset: tiny
datasets: [1MB]
data: gs://clicks/log/day_*
variants: {full: {}, hashing: {embedding: {method: hashing}}, half: {embedding: {method: float16}}}
seeds: 2
"""
STEPS = ("ExampleGen", "Transform")


def small_job(cell_run):
    """A compiled pipeline with the steps that the tests look at."""
    trainers = [
        f"Trainer_{name}{seed}" for name in cell_run.config.variants for seed in ("", "_Seed1")
    ]
    before = {"Transform": ["ExampleGen"], "Evaluator": trainers}
    before |= {name: ["Transform"] for name in trainers}
    names = [*STEPS, *trainers, "Evaluator"]
    container = {"image": "gcr.io/ads/dlrm:1", "args": [cell_run.digest]}
    spec = {
        "schemaVersion": "2.0.0",
        "pipelineInfo": {"name": "dlrm-approx"},
        "components": {name: {"executorLabel": name} for name in names},
        "deploymentSpec": {"executors": {name: {"container": container} for name in names}},
        "root": {
            "dag": {
                "tasks": {
                    name: {
                        "taskInfo": {"name": name},
                        "componentRef": {"name": name},
                        "dependentTasks": before.get(name, []),
                    }
                    for name in names
                }
            }
        },
    }
    return {
        "displayName": "dlrm-approx",
        "labels": {"team": "ads"},
        "runtimeConfig": {"gcsOutputDirectory": "gs://clicks/runs"},
        "pipelineSpec": spec,
    }


@pytest.fixture
def config(tmp_path):
    """The study's file."""
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def run_study(vertex, bucket, config, tmp_path, monkeypatch):  # noqa: F811
    """Gives the command with further flags; returns its exit status."""
    from pipeline.study.cli import main
    from pipeline.study.vertex import engine
    from pipeline.vertex.api import service

    monkeypatch.setattr(service, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(engine, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(
        "pipeline.study.vertex.vertex_study.compile_run", lambda each, *_: small_job(each)
    )

    def run(*flags):
        root = ["--root", str(tmp_path / "run"), "--endpoint", vertex.endpoint]
        return main(["--config", str(config), "--on", "vertex", *SITE, *WHERE, *root, *flags])

    return run


@pytest.fixture
def no_page(monkeypatch):
    """The tables alone, for they are fast."""
    monkeypatch.setattr("pipeline.study.outcome.write_outcome", lambda folder, *_: folder)
    monkeypatch.setattr("pipeline.study.tracking.track", lambda *_: None)


@pytest.fixture
def artifacts(vertex, tmp_path):  # noqa: F811
    """Names where tasks have written; returns what writes the artifacts of a run there."""
    root = f"{tmp_path}/artifacts/{{run}}"
    vertex.outputs["ExampleGen"] = {"quarantine": f"{root}/ExampleGen/quarantine"}
    vertex.outputs["Evaluator"] = {"comparison": f"{root}/Evaluator/comparison"}
    for cell in ("dlrm_full", "dlrm_hashing", "dlrm_half"):
        for seed in ("", "_Seed1"):
            step = f"Trainer_{cell}{seed}"
            vertex.outputs[step] = {"model_run": f"{root}/{step}/model_run"}

    def write(run_id, metrics):
        """Metrics: cell -> auc_roc, its difference to the baseline, its p-value."""
        folder = tmp_path / "artifacts" / run_id
        files = {f"ExampleGen/quarantine/{SUMMARY}": json.dumps({"version": {"num_bytes": 999}})}
        for cell in metrics:
            for index, seed in enumerate(("", "_Seed1")):
                text = record(cell, index, seconds=2.0 + index).model_dump_json()
                files[f"Trainer_{cell}{seed}/model_run/training.json"] = text
        found = {cell: {"auc_roc": metric(*numbers)} for cell, numbers in metrics.items()}
        made = comparison(next(iter(metrics)), found)
        files["Evaluator/comparison/comparison.json"] = made.to_json()
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write
