"""What Vertex AI tells a container about its task, and what the container tells it.

Both are protos of `kfp.pipeline_spec` (`ExecutorInput`, `ExecutorOutput`), here as their JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline.vertex.local.tasks import Task

# uri, type and, as far as a step has set them, the properties under `metadata`.
Artifact = Mapping[str, Any]

INPUT_FILE = "executor_input.json"
OUTPUT_FILE = "executor_output.json"
_STORE = "projects/local/locations/local/metadataStores/default/artifacts"


def executor_input(task: Task, inputs: Mapping[str, Artifact], folder: Path) -> dict[str, Any]:
    """Returns the `ExecutorInput` of a task.

    Args:
      task: to run.
      inputs: key -> what other tasks wrote.
      folder: of the task: its outputs go into one folder each under it.
    """
    outputs = {
        key: {"name": _name(folder / key), "uri": str(folder / key), "type": artifact_type}
        for key, artifact_type in task.output_types.items()
    }
    return {
        "inputs": {
            task.parameters_field: dict(task.parameters),
            "artifacts": _lists(inputs),
        },
        "outputs": {
            "artifacts": _lists(outputs),
            "outputFile": str(folder / OUTPUT_FILE),
        },
    }


def with_driver_output(
    message: Mapping[str, Any], driver_output: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns an `ExecutorInput` after the pre-cache check has run.

    Args:
      message: the `ExecutorInput` that the check got.
      driver_output: the `ExecutorOutput` that it wrote; its parameters become inputs, each in the
        field that it stands in, and the properties of its artifacts those of the outputs.
    """
    inputs, outputs = dict(message["inputs"]), dict(message["outputs"])
    for field in ("parameters", "parameterValues"):
        if field in driver_output:
            inputs[field] = {**inputs.get(field, {}), **driver_output[field]}
    outputs["artifacts"] = _lists(_merged(message, driver_output))
    return {"inputs": inputs, "outputs": outputs}


def written_artifacts(
    message: Mapping[str, Any], executor_output: Mapping[str, Any]
) -> dict[str, Artifact]:
    """Returns key -> artifact as the tasks behind read it.

    Args:
      message: the `ExecutorInput` of the task.
      executor_output: the `ExecutorOutput` that it wrote. It leaves out the types, which come from
        the spec.
    """
    return _merged(message, executor_output)


def read_executor_output(task: str, folder: Path) -> dict[str, Any]:
    """Returns the `ExecutorOutput` that a task wrote.

    Raises:
      InputError: if there is none.
    """
    path = folder / OUTPUT_FILE
    if not path.exists():
        raise InputError(f"task {task} ended without an error and without its output {path}")
    output: dict[str, Any] = json.loads(path.read_text())
    return output


def _merged(message: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Artifact]:
    received = {key: value["artifacts"][0] for key, value in output.get("artifacts", {}).items()}
    merged: dict[str, Artifact] = {}
    for key, value in message["outputs"]["artifacts"].items():
        ours, theirs = value["artifacts"][0], received.get(key, {})
        merged[key] = {**ours, **theirs, "name": ours["name"], "type": ours["type"]}
    return merged


def _lists(artifacts: Mapping[str, Artifact]) -> dict[str, Any]:
    return {key: {"artifacts": [artifact]} for key, artifact in artifacts.items()}


def _name(path: Path) -> str:
    """The name of an artifact in Vertex AI's metadata store, the same at every try."""
    return f"{_STORE}/{int(hashlib.sha256(str(path).encode()).hexdigest()[:15], 16)}"
