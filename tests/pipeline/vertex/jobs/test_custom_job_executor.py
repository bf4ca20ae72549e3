import json
import os
import signal

import pytest
from google.cloud.aiplatform_v1.types import JobState
from tfx.components.trainer import executor as tfx_trainer
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import json_utils

from pipeline.vertex.config import MachineConfig, VertexConfig
from pipeline.vertex.jobs import custom_job_executor
from pipeline.vertex.jobs.custom_job import custom_job
from pipeline.vertex.jobs.custom_job_executor import (
    CustomJobExecutor,
    WorkerTrainerExecutor,
    job_of,
)
from pipeline.vertex.jobs.custom_job_run import JobFailedError
from tests.pipeline.vertex.fake_vertex import FakeVertex


def _artifact(kind, uri):
    artifact = kind()
    artifact.uri = uri
    return artifact


def _inputs():
    return {"examples": [_artifact(standard_artifacts.Examples, "gs://b/runs/7/j-1/T_1/examples")]}


def _outputs(pipeline_job="dlrm-approx-1"):
    task = f"gs://b/runs/7/{pipeline_job}/Trainer_full_123"
    return {
        "model": [_artifact(standard_artifacts.Model, f"{task}/model")],
        "model_run": [_artifact(standard_artifacts.ModelRun, f"{task}/model_run")],
    }


def _vertex_job(endpoint=None, num_workers=1):
    machine = MachineConfig(num_workers=num_workers)
    command = ["python", "-m", "tfx.scripts.run_executor"]
    return {
        "project": "p1",
        "region": "us-central1",
        "endpoint": endpoint,
        "executor_class_path": "some.module.Executor",
        "job": custom_job("Trainer_full", machine, VertexConfig(), "image", command),
    }


def _properties(job, **rest):
    return {
        "run_fn": "a.run_fn",
        "custom_config": json_utils.dumps({"vertex_job": job, **rest}),
    }


def _made(num_workers=1, **rest):
    job = _vertex_job(num_workers=num_workers)
    return job_of(job, _inputs(), _outputs(), _properties(job, **rest))


def _args(body, pool=0):
    args = body["jobSpec"]["workerPoolSpecs"][pool]["containerSpec"]["args"]
    return dict(zip(args[::2], args[1::2], strict=True))


def test_job_runs_the_other_executor_on_the_artifacts_of_the_step():
    args = _args(_made())
    assert args["--executor_class_path"] == "some.module.Executor"
    inputs = artifact_utils.parse_artifact_dict(args["--inputs"])
    outputs = artifact_utils.parse_artifact_dict(args["--outputs"])
    assert inputs["examples"][0].uri == "gs://b/runs/7/j-1/T_1/examples"
    assert outputs["model_run"][0].uri == "gs://b/runs/7/dlrm-approx-1/Trainer_full_123/model_run"
    assert outputs["model"][0].type_name == "Model"


def test_job_gets_the_properties_of_the_step_without_the_job_itself():
    properties = json.loads(_args(_made(config="{}"))["--exec-properties"])
    assert properties["run_fn"] == "a.run_fn"
    assert json_utils.loads(properties["custom_config"]) == {"config": "{}"}


def test_custom_config_that_held_the_job_alone_is_left_out():
    assert "custom_config" not in json.loads(_args(_made())["--exec-properties"])


def test_all_workers_get_the_same_arguments():
    body = _made(num_workers=3)
    assert _args(body, 0) == _args(body, 1)


def test_template_of_the_job_is_left_as_it_was():
    job = _vertex_job()
    before = json.dumps(job)
    job_of(job, _inputs(), _outputs(), _properties(job))
    assert json.dumps(job) == before


def test_labels_name_the_pipeline_job_and_the_execution():
    labels = _made()["labels"]
    assert labels["pipeline_job"] == "dlrm-approx-1"
    assert len(labels["step_execution"]) == 32
    assert labels == _made()["labels"]


def test_other_outputs_are_another_execution():
    job = _vertex_job()
    other = job_of(job, _inputs(), _outputs("dlrm-approx-2"), _properties(job))["labels"]
    assert other["step_execution"] != _made()["labels"]["step_execution"]


def test_pipeline_job_label_is_one_that_google_allows():
    job = _vertex_job()
    labels = job_of(job, _inputs(), _outputs("Run.A" + "x" * 70), _properties(job))["labels"]
    assert labels["pipeline_job"] == "run-a" + "x" * 58


def test_step_waits_for_its_job(monkeypatch):
    monkeypatch.setattr("pipeline.vertex.jobs.custom_job_run._FIRST_WAIT_SECONDS", 0)
    with FakeVertex() as vertex:
        properties = _properties(_vertex_job(vertex.endpoint))
        CustomJobExecutor().Do(_inputs(), _outputs(), properties)
        [job] = vertex.of_kind("customJobs")
    assert job.name.startswith("projects/p1/locations/us-central1/customJobs/")
    assert job.state == JobState.JOB_STATE_SUCCEEDED


def test_step_fails_with_its_job(monkeypatch):
    monkeypatch.setattr(custom_job_executor, "run_custom_job", _raise)
    with pytest.raises(JobFailedError, match="out of memory"):
        CustomJobExecutor().Do(_inputs(), _outputs(), _properties(_vertex_job("http://127.0.0.1")))


def _raise(client, location, body):
    raise JobFailedError("out of memory")


def test_termination_of_the_task_reaches_the_job(monkeypatch):
    def terminated(client, location, body):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(custom_job_executor, "run_custom_job", terminated)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        CustomJobExecutor().Do(_inputs(), _outputs(), _properties(_vertex_job("http://127.0.0.1")))
    assert ended.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


TRAINED = []


def train_nothing(fn_args):
    """A `run_fn` that leaves no model, as that of a worker which is not the chief."""
    TRAINED.append(fn_args.serving_model_dir)


def _train_on(monkeypatch, tmp_path, task):
    TRAINED.clear()
    cluster = {"chief": ["a:1"], "worker": ["b:1"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    examples = _artifact(standard_artifacts.Examples, str(tmp_path))
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    outputs = {
        "model": [_artifact(standard_artifacts.Model, str(tmp_path / "model"))],
        "model_run": [_artifact(standard_artifacts.ModelRun, str(tmp_path / "model_run"))],
    }
    properties = {
        "run_fn": f"{__name__}.train_nothing",
        "train_args": '{"splits": ["train"]}',
        "eval_args": '{"splits": ["eval"]}',
        "custom_config": "{}",
    }
    WorkerTrainerExecutor().Do({"examples": [examples]}, outputs, properties)


def test_worker_trains_and_leaves_the_model_to_the_chief(monkeypatch, tmp_path):
    _train_on(monkeypatch, tmp_path, {"type": "worker", "index": 0})
    assert [str(tmp_path / "model" / "Format-Serving")] == TRAINED


def test_chief_without_a_model_fails(monkeypatch, tmp_path):
    with pytest.raises(RuntimeError, match="run_fn failed to generate model"):
        _train_on(monkeypatch, tmp_path, {"type": "chief", "index": 0})


def test_worker_would_fail_in_the_executor_of_tfx(monkeypatch, tmp_path):
    monkeypatch.setattr(
        f"{__name__}.WorkerTrainerExecutor", tfx_trainer.GenericExecutor, raising=True
    )
    with pytest.raises(RuntimeError, match="run_fn failed to generate model"):
        _train_on(monkeypatch, tmp_path, {"type": "worker", "index": 0})
