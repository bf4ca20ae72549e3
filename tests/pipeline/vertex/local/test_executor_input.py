"""What a container is told, against messages written by hand and against kfp's proto."""

import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from components.errors import InputError
from pipeline.vertex.local.executor_input import (
    executor_input,
    read_executor_output,
    with_driver_output,
    written_artifacts,
)
from pipeline.vertex.local.tasks import Task

EXAMPLES = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}
QUARANTINE = {"instanceSchema": "title: schemas.Quarantine\ntype: object\n"}
SCHEMA = {"name": "n", "uri": "/runs/Schema/schema", "type": {"schemaTitle": "tfx.Schema"}}
FOLDER = Path("/runs/Read")


def _task(**fields):
    values = {
        "name": "Read",
        "dependencies": ("Schema",),
        "parameters_field": "parameters",
        "parameters": {"pattern": {"stringValue": "day_*"}, "count": {"intValue": "3"}},
        "inputs": {"schema": ("Schema", "schema")},
        "output_types": {"examples": EXAMPLES, "quarantine": QUARANTINE},
        "command": ("read", "{{$}}"),
        "pre_cache_check": None,
    }
    return Task(**{**values, **fields})


def _message(**fields):
    return executor_input(_task(**fields), {"schema": SCHEMA}, FOLDER)


def test_message_has_parameters_inputs_and_a_folder_for_each_output():
    message = _message()
    names = [
        message["outputs"]["artifacts"][key]["artifacts"][0].pop("name")
        for key in ("examples", "quarantine")
    ]
    assert message == {
        "inputs": {
            "parameters": {"pattern": {"stringValue": "day_*"}, "count": {"intValue": "3"}},
            "artifacts": {"schema": {"artifacts": [SCHEMA]}},
        },
        "outputs": {
            "artifacts": {
                "examples": {"artifacts": [{"uri": "/runs/Read/examples", "type": EXAMPLES}]},
                "quarantine": {"artifacts": [{"uri": "/runs/Read/quarantine", "type": QUARANTINE}]},
            },
            "outputFile": "/runs/Read/executor_output.json",
        },
    }
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("field", "parameters"),
    [
        ("parameters", {"pattern": {"stringValue": "day_*"}, "count": {"intValue": "3"}}),
        ("parameterValues", {"pattern": "day_*", "count": 3.0}),
    ],
)
def test_message_is_an_executor_input_of_kfp(field, parameters):
    message = _message(parameters_field=field, parameters=parameters)
    proto = pipeline_spec_pb2.ExecutorInput()
    json_format.ParseDict(message, proto)  # refuses unknown fields
    assert json_format.MessageToDict(proto) == message


def test_driver_output_becomes_parameters_and_properties():
    before = _message()
    after = with_driver_output(
        before,
        {
            "parameters": {"span": {"intValue": "7"}, "pattern": {"stringValue": "day_7"}},
            "parameterValues": {"span": 7.0},
            "artifacts": {"examples": {"artifacts": [{"name": "", "metadata": {"span": 7.0}}]}},
        },
    )
    assert after["inputs"] == {
        **before["inputs"],
        "parameters": {
            "pattern": {"stringValue": "day_7"},
            "count": {"intValue": "3"},
            "span": {"intValue": "7"},
        },
        "parameterValues": {"span": 7.0},
    }
    [examples] = after["outputs"]["artifacts"]["examples"]["artifacts"]
    [untouched] = before["outputs"]["artifacts"]["examples"]["artifacts"]
    assert examples == {**untouched, "metadata": {"span": 7.0}}
    assert after["outputs"]["outputFile"] == before["outputs"]["outputFile"]
    assert "metadata" not in untouched


def test_written_artifact_has_its_properties_and_the_type_of_the_spec():
    message = _message()
    output = {
        "artifacts": {
            "examples": {
                "artifacts": [{"name": "", "uri": "/elsewhere", "metadata": {"split_names": "[]"}}]
            }
        }
    }
    written = written_artifacts(message, output)
    [named] = message["outputs"]["artifacts"]["examples"]["artifacts"]
    assert written["examples"] == {
        "name": named["name"],
        "uri": "/elsewhere",
        "metadata": {"split_names": "[]"},
        "type": EXAMPLES,
    }
    assert written["quarantine"]["uri"] == "/runs/Read/quarantine"


def test_output_file_is_read(tmp_path):
    (tmp_path / "executor_output.json").write_text(json.dumps({"artifacts": {}}))
    assert read_executor_output("Read", tmp_path) == {"artifacts": {}}


def test_missing_output_file_names_task_and_path(tmp_path):
    with pytest.raises(InputError, match=f"task Read .*{tmp_path}/executor_output.json"):
        read_executor_output("Read", tmp_path)
