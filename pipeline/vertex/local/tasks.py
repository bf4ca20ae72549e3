"""The tasks of a compiled pipeline, as its JSON describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.errors import InputError

# The value of a parameter under its type, as specs of version 2.0 have it, and the plain value.
ParametersField = Literal["parameters", "parameterValues"]


@dataclass(frozen=True)
class Task:
    """One step of the pipeline.

    Attributes:
      name: the id of the step.
      dependencies: the tasks that end before this one starts.
      parameters_field: where the task reads its parameters in an `ExecutorInput`: `parameters` with
        specs of version 2.0, `parameterValues` from 2.1 on.
      parameters: name -> value, in the form of that field.
      inputs: key -> the task and the key of the output that is read.
      output_types: key -> the type of the artifact that is written.
      command: of the container, with its arguments.
      pre_cache_check: the command that runs before, and tells what the cache needs to know; None
        without one.
    """

    name: str
    dependencies: tuple[str, ...]
    parameters_field: ParametersField
    parameters: Mapping[str, Any]
    inputs: Mapping[str, tuple[str, str]]
    output_types: Mapping[str, Mapping[str, Any]]
    command: tuple[str, ...]
    pre_cache_check: tuple[str, ...] | None


def read_tasks(job: Mapping[str, Any]) -> list[Task]:
    """Returns the tasks of a compiled pipeline, by their names.

    Args:
      job: the JSON of a PipelineJob.

    Raises:
      InputError: if a task is of a kind that runs in no container, or reads something else than
        constants and what other tasks wrote.
    """
    spec = job["pipelineSpec"]
    field: ParametersField = (
        "parameters" if spec["schemaVersion"].startswith("2.0") else "parameterValues"
    )
    return [
        _task(name, task, spec, field)
        for name, task in sorted(spec["root"]["dag"]["tasks"].items())
    ]


def _task(
    name: str, task: Mapping[str, Any], spec: Mapping[str, Any], field: ParametersField
) -> Task:
    component = spec["components"][task["componentRef"]["name"]]
    executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
    if "container" not in executor:
        raise InputError(
            f"task {name}: expected a container, the compiled pipeline has {', '.join(executor)}"
        )
    container = executor["container"]
    check = container.get("lifecycle", {}).get("preCacheCheck")
    inputs = task.get("inputs", {})
    outputs = component.get("outputDefinitions", {})
    return Task(
        name=name,
        dependencies=tuple(task.get("dependentTasks", ())),
        parameters_field=field,
        parameters={
            key: _constant(name, key, value) for key, value in inputs.get("parameters", {}).items()
        },
        inputs={
            key: _producer(name, key, value) for key, value in inputs.get("artifacts", {}).items()
        },
        output_types={
            key: value["artifactType"] for key, value in outputs.get("artifacts", {}).items()
        },
        command=_command(container),
        pre_cache_check=_command(check) if check else None,
    )


def _constant(task: str, key: str, value: Mapping[str, Any]) -> Any:
    runtime_value = value.get("runtimeValue", {})
    for field in ("constantValue", "constant"):  # of versions 2.0 and 2.1
        if field in runtime_value:
            return runtime_value[field]
    raise InputError(f"task {task}: parameter {key}: expected a constant, received {value}")


def _producer(task: str, key: str, value: Mapping[str, Any]) -> tuple[str, str]:
    if "taskOutputArtifact" not in value:
        raise InputError(f"task {task}: input {key}: expected another task's, received {value}")
    source = value["taskOutputArtifact"]
    return source["producerTask"], source["outputArtifactKey"]


def _command(container: Mapping[str, Any]) -> tuple[str, ...]:
    return (*container.get("command", ()), *container.get("args", ()))
