import json
import re

import pytest
from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.load_config import known_presets, load_config
from pipeline.vertex.graph.compile import compile_pipeline, write_spec
from pipeline.vertex.site import Site
from schemas.schema_file import known_schemas, load_click_log
from tests.pipeline.vertex.compiled_shapes import CASES, FOLDER, compiled, shape

SEEDS = ("seeds=2",)
DATAFLOW = ("vertex.dataflow={}",)
TUNER = ("tuner.search.fields={embedding_dim: {values: [2, 4]}}",)
ENDPOINT = ("vertex.endpoint={name: ctr}",)
TPU = ("vertex.trainer={machine_type: ct5lp-hightpu-1t, tpu_topology: 1x1}",)


def _parsed(job):
    """The spec as the service reads it; an unknown field is an error."""
    spec = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(job["pipelineSpec"], spec)
    deployment = pipeline_spec_pb2.PipelineDeploymentConfig()
    json_format.ParseDict(job["pipelineSpec"]["deploymentSpec"], deployment)
    return spec, deployment


@pytest.mark.parametrize("target", ["vertex", "kfp"])
@pytest.mark.parametrize("preset", known_presets())
def test_every_preset_is_a_valid_pipeline_spec(preset, target):
    spec, deployment = _parsed(compiled(preset, target=target))
    assert spec.schema_version == {"vertex": "2.0.0", "kfp": "2.1.0"}[target]
    assert len(spec.root.dag.tasks) == len(deployment.executors) >= 9


@pytest.mark.parametrize(
    ("assignments", "target"),
    [
        *((case, target) for case in (SEEDS, DATAFLOW, TUNER) for target in ("vertex", "kfp")),
        (ENDPOINT, "vertex"),
        (TPU, "vertex"),
    ],
)
def test_every_engine_is_a_valid_pipeline_spec(assignments, target):
    spec, deployment = _parsed(compiled("tiny", assignments, target))
    assert len(spec.root.dag.tasks) == len(spec.components)
    for component in spec.components.values():
        assert deployment.executors[component.executor_label].container.image == "image:1"


def test_names_on_a_kubeflow_server_are_those_that_argo_takes():
    """Its names of templates and tasks have letters, digits and hyphens."""
    spec, _ = _parsed(compiled("tiny", SEEDS, "kfp"))
    tasks = spec.root.dag.tasks
    assert {"Trainer-full", "Trainer-full-Seed1", "Evaluator"} < set(tasks)
    for name, task in tasks.items():
        assert re.fullmatch("[a-zA-Z0-9][-a-zA-Z0-9]*", name)
        assert task.task_info.name == name
        sources = [a.task_output_artifact.producer_task for a in task.inputs.artifacts.values()]
        assert {*task.dependent_tasks, *sources} <= set(tasks)


def test_job_is_one_that_vertex_reads():
    job = types.PipelineJob()
    json_format.ParseDict(compiled("tiny"), types.PipelineJob.pb(job))
    assert job.display_name == "dlrm-approx"
    assert job.runtime_config.gcs_output_directory == "gs://b/runs"


@pytest.mark.parametrize("name", CASES)
def test_shape_is_the_recorded_one(name):
    recorded = (FOLDER / f"{name}.txt").read_text()
    assert shape(compiled(*CASES[name])) == recorded, (
        "if the change is meant: python -m tests.pipeline.vertex.compiled_shapes"
    )


def test_shape_of_every_preset_is_recorded():
    assert {preset for preset, *_ in CASES.values()} == set(known_presets())


@pytest.mark.parametrize("assignments", [(), SEEDS, TUNER])
def test_trainers_run_side_by_side(assignments):
    tasks = compiled("tiny", assignments)["pipelineSpec"]["root"]["dag"]["tasks"]
    trainers = {name for name in tasks if name.startswith("Trainer_")}
    assert len(trainers) >= 3
    after = {name: set(tasks[name]["dependentTasks"]) for name in trainers}
    assert all(not names & trainers for names in after.values())
    assert len({frozenset(names) for names in after.values()}) == 1


def test_labels_are_those_of_the_run_besides_the_ones_of_tfx():
    labels = compiled("tiny", ["vertex.labels={team: ads}"])["labels"]
    assert labels["team"] == "ads"
    assert labels["tfx_runner"] == "kubeflow_v2"


def _caching(*assignments, target="vertex"):
    tasks = compiled("tiny", assignments, target)["pipelineSpec"]["root"]["dag"]["tasks"]
    return {name for name, task in tasks.items() if task.get("cachingOptions")}


def test_pusher_always_runs_as_a_server_takes_the_newest_version():
    cached = _caching()
    assert "Pusher" not in cached
    assert {"ExampleGen", "Transform", "Trainer_full", "Evaluator"} < cached


def test_example_gen_always_looks_at_its_files_where_no_driver_does():
    assert "ExampleGen" not in _caching(target="kfp")


def test_nothing_is_cached_if_so_configured():
    assert not _caching("vertex.enable_caching=false")


def test_example_gen_asks_for_resources_too():
    job = compiled("tiny", ["vertex.tasks.ExampleGen={cpu_cores: 8, memory: 30GB}"])
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    resources = executors["ExampleGen_executor"]["container"]["resources"]
    assert resources == {"cpuLimit": 8.0, "memoryLimit": 30.0}


def test_models_are_pushed_below_the_pipeline_root():
    tasks = compiled("tiny")["pipelineSpec"]["root"]["dag"]["tasks"]
    value = tasks["Pusher"]["inputs"]["parameters"]["push_destination"]["runtimeValue"]
    destination = json.loads(value["constantValue"]["stringValue"])
    assert destination["filesystem"]["base_directory"] == "gs://b/runs/serving_model"


@pytest.mark.parametrize("schema", known_schemas())
def test_every_schema_reaches_the_steps_that_read_raw_rows(schema):
    site = Site("p1", "us-central1", "gs://b/runs", "image:1")
    config = load_config("tiny", assignments=["example_gen.split.method=last_rows"], schema=schema)
    spec = compile_pipeline(config, site, "gs://b/day_*.tsv")["pipelineSpec"]
    for step in ("ExampleGen", "SchemaGen", "Transform"):
        given = spec["root"]["dag"]["tasks"][step]["inputs"]["parameters"]["click_log"]
        text = given["runtimeValue"]["constantValue"]["stringValue"]
        assert text == load_click_log(schema).to_json()


@pytest.mark.parametrize("pattern", ["gs://b/day_{SPAN}.tsv", "gs://b/{YYYY}-{MM}-{DD}/*.tsv"])
def test_pattern_with_spans_reaches_the_step_unresolved(pattern):
    site = Site("p1", "us-central1", "gs://b/runs", "image:1")
    job = compile_pipeline(load_config("tiny"), site, pattern)
    given = job["pipelineSpec"]["root"]["dag"]["tasks"]["ExampleGen"]["inputs"]["parameters"]
    found = given["pattern"]["runtimeValue"]["constantValue"]["stringValue"]
    assert pattern.endswith(found)


def test_spec_is_written_whole(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text("an older one")
    job = {"pipelineSpec": {"b": 1, "a": [2]}}
    write_spec(job, path)
    assert json.loads(path.read_text()) == job
    assert list(tmp_path.iterdir()) == [path]


def test_spec_that_cannot_be_written_leaves_the_older_one(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text("an older one")
    with pytest.raises(TypeError):
        write_spec({"pipelineSpec": object()}, path)
    assert path.read_text() == "an older one"
