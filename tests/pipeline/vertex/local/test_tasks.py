"""A compiled pipeline of two tasks, written by hand."""

import copy

import pytest

from components.errors import InputError
from pipeline.vertex.local.tasks import Task, read_tasks

EXAMPLES = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}
MODEL = {"schemaTitle": "system.Model"}

JOB = {
    "pipelineSpec": {
        "schemaVersion": "2.0.0",
        "root": {
            "dag": {
                "tasks": {
                    "Train": {
                        "componentRef": {"name": "Train"},
                        "dependentTasks": ["Read"],
                        "inputs": {
                            "artifacts": {
                                "rows": {
                                    "taskOutputArtifact": {
                                        "producerTask": "Read",
                                        "outputArtifactKey": "examples",
                                    }
                                }
                            },
                            "parameters": {
                                "epochs": {"runtimeValue": {"constantValue": {"intValue": "2"}}}
                            },
                        },
                    },
                    "Read": {"componentRef": {"name": "Read"}},
                }
            }
        },
        "components": {
            "Read": {
                "executorLabel": "Read_executor",
                "outputDefinitions": {"artifacts": {"examples": {"artifactType": EXAMPLES}}},
            },
            "Train": {
                "executorLabel": "Train_executor",
                "outputDefinitions": {"artifacts": {"model": {"artifactType": MODEL}}},
            },
        },
        "deploymentSpec": {
            "executors": {
                "Read_executor": {
                    "container": {
                        "command": ["python", "-m", "read"],
                        "args": ["{{$}}", "--runner=DirectRunner"],
                        "lifecycle": {
                            "preCacheCheck": {
                                "command": ["python", "-m", "check"],
                                "args": ["{{$}}"],
                            }
                        },
                    }
                },
                "Train_executor": {"container": {"command": ["train"], "args": ["{{$}}"]}},
            }
        },
    }
}


@pytest.fixture
def job():
    return copy.deepcopy(JOB)


def test_tasks_are_read_with_their_commands_and_types(job):
    assert read_tasks(job) == [
        Task(
            name="Read",
            dependencies=(),
            parameters_field="parameters",
            parameters={},
            inputs={},
            output_types={"examples": EXAMPLES},
            command=("python", "-m", "read", "{{$}}", "--runner=DirectRunner"),
            pre_cache_check=("python", "-m", "check", "{{$}}"),
        ),
        Task(
            name="Train",
            dependencies=("Read",),
            parameters_field="parameters",
            parameters={"epochs": {"intValue": "2"}},
            inputs={"rows": ("Read", "examples")},
            output_types={"model": MODEL},
            command=("train", "{{$}}"),
            pre_cache_check=None,
        ),
    ]


def test_parameters_of_spec_2_1_are_plain_values(job):
    spec = job["pipelineSpec"]
    spec["schemaVersion"] = "2.1.0"
    parameters = spec["root"]["dag"]["tasks"]["Train"]["inputs"]["parameters"]
    parameters["epochs"] = {"runtimeValue": {"constant": 2.0}}
    [_, train] = read_tasks(job)
    assert train.parameters_field == "parameterValues"
    assert train.parameters == {"epochs": 2.0}


def test_task_without_a_container_is_refused(job):
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    executors["Train_executor"] = {"importer": {}}
    with pytest.raises(InputError, match=r"task Train: expected a container.* importer"):
        read_tasks(job)


def test_parameter_that_is_no_constant_is_refused(job):
    inputs = job["pipelineSpec"]["root"]["dag"]["tasks"]["Train"]["inputs"]
    inputs["parameters"]["epochs"] = {"componentInputParameter": "epochs"}
    with pytest.raises(InputError, match="task Train: parameter epochs: expected a constant"):
        read_tasks(job)


def test_input_that_no_task_writes_is_refused(job):
    inputs = job["pipelineSpec"]["root"]["dag"]["tasks"]["Train"]["inputs"]
    inputs["artifacts"]["rows"] = {"componentInputArtifact": "rows"}
    with pytest.raises(InputError, match="task Train: input rows: expected another task's"):
        read_tasks(job)
