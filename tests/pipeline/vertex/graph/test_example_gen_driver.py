import json
import os
import sys

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.load_config import load_config
from pipeline.vertex.graph import example_gen_driver
from pipeline.vertex.graph.compile import compile_pipeline
from pipeline.vertex.site import Site

TWO_DAYS = ["example_gen.window_spans=2"]
TARGETS = ["vertex", "kfp"]


@pytest.fixture
def days(tmp_path):
    """The folder of a log of three days."""
    for day in (1, 2, 10):
        (tmp_path / f"day_{day}.tsv").write_text(f"{day}\n")
    return tmp_path


def _task(folder, target, pattern="day_{SPAN}.tsv"):
    """The arguments of the driver's process, as the service gives them."""
    site = Site("p", "r", str(folder / "runs"), "image")
    config = load_config("tiny", assignments=TWO_DAYS if "{" in pattern else ())
    spec = compile_pipeline(config, site, str(folder / pattern), target)["pipelineSpec"]
    given = spec["root"]["dag"]["tasks"]["ExampleGen"]["inputs"]["parameters"]
    if target == "vertex":
        key, kind = "parameters", "constantValue"
    else:
        key, kind = "parameterValues", "constant"
    outputs = spec["components"]["ExampleGen"]["outputDefinitions"]["artifacts"]
    executor_input = {
        "inputs": {key: {k: v["runtimeValue"][kind] for k, v in given.items()}},
        "outputs": {
            "artifacts": {
                name: {
                    "artifacts": [
                        {"name": name, "uri": str(folder / name), "type": value["artifactType"]}
                    ]
                }
                for name, value in outputs.items()
            },
            "outputFile": str(folder / "task" / "executor_output.json"),
        },
    }
    container = spec["deploymentSpec"]["executors"]["ExampleGen_executor"]["container"]
    if target == "vertex":
        container = container["lifecycle"]["preCacheCheck"]
    assert container["command"] == ["python", "-m", "pipeline.vertex.graph.example_gen_driver"]
    text = json.dumps(executor_input)
    return [each.replace("{{$}}", text) for each in container["args"]]


def _run(monkeypatch, folder, target, pattern="day_{SPAN}.tsv"):
    """Runs the driver; its output and the command that it became, if any."""
    became = []
    monkeypatch.setattr(os, "execv", lambda path, args: became.append(args))
    argv = _task(folder, target, pattern)
    example_gen_driver.main(argv)
    output = pipeline_spec_pb2.ExecutorOutput()
    json_format.Parse((folder / "task" / "executor_output.json").read_text(), output)
    return output, became, argv


@pytest.mark.parametrize("target", TARGETS)
def test_newest_span_is_resolved_for_both_versions_of_the_spec(monkeypatch, days, target):
    output, _, _ = _run(monkeypatch, days, target)
    assert output.parameters["span"].int_value == 10
    assert output.parameter_values["span"].number_value == 10
    new = json.loads(output.parameters["input_config"].string_value)["splits"][0]["pattern"]
    assert new == "day_10.tsv"
    assert output.parameter_values["input_config"].string_value == (
        output.parameters["input_config"].string_value
    )


def test_fingerprint_holds_every_file_of_the_window(monkeypatch, days):
    def fingerprint():
        output, _, _ = _run(monkeypatch, days, "vertex")
        return output.parameters["input_fingerprint"].string_value

    before = fingerprint()
    assert before.startswith("num_files:2,total_bytes:5,")
    (days / "day_1.tsv").write_text("no part of the window\n")
    assert fingerprint() == before
    (days / "day_2.tsv").write_text("9\n")
    assert fingerprint() != before


def test_examples_know_span_and_fingerprint(monkeypatch, days):
    output, _, _ = _run(monkeypatch, days, "vertex")
    [examples] = output.artifacts["examples"].artifacts
    assert examples.uri == str(days / "examples")
    assert examples.metadata["custom:span"] == 10
    assert examples.metadata["input_fingerprint"] == (
        output.parameters["input_fingerprint"].string_value
    )


def test_pattern_without_spans_has_span_zero_and_no_version(monkeypatch, days):
    output, _, _ = _run(monkeypatch, days, "vertex", "day_*.tsv")
    assert output.parameters["span"].int_value == 0
    assert "version" not in output.parameters
    assert output.parameters["input_fingerprint"].string_value.startswith("num_files:3,")


def test_no_file_is_left_to_the_executor_to_tell(monkeypatch, tmp_path):
    output, _, _ = _run(monkeypatch, tmp_path, "vertex")
    assert output.parameters["span"].int_value == -1


def test_driver_of_vertex_ends_when_its_work_is_done(monkeypatch, days):
    assert not _run(monkeypatch, days, "vertex")[1]


def test_step_of_a_cluster_becomes_the_executor_with_the_same_arguments(monkeypatch, days):
    _, [became], argv = _run(monkeypatch, days, "kfp")
    module = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
    assert became == [sys.executable, "-m", module, *argv]
    assert "components.example_gen.executor.Executor" in became
