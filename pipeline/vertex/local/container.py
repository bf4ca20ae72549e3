"""A container's command on this machine: what stands in for what only a cloud has."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# What a run prints: all that differs from the run of the same spec in the cloud.
SUBSTITUTIONS = (
    "pipeline root: a folder here instead of gs://; the folders of the outputs are made",
    "images: this interpreter and these sources, with the image's environment variables",
    "Dataflow: Beam's DirectRunner in the step's process",
    "custom jobs: a server on 127.0.0.1 starts each worker as a process here, on what is here",
    "endpoint: none; the chosen model goes into a folder",
)

# Those that the Dockerfile sets for all images, but for PATH.
IMAGE_ENVIRONMENT: Mapping[str, str] = {
    "PYTHONUNBUFFERED": "1",
    "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
    "TF_CPP_MIN_LOG_LEVEL": "1",
    "TF_USE_LEGACY_KERAS": "1",
}

_EXECUTOR_INPUT = "{{$}}"
_PYTHON = ("python", "python3")
_DATAFLOW = "--runner=DataflowRunner"
_DIRECT = "--runner=DirectRunner"
_PROJECT = Path(__file__).resolve().parents[3]
# They would tell a step that it is a worker of another cluster.
_NOT_INHERITED = ("TF_CONFIG", "CLUSTER_SPEC")


def task_command(command: Sequence[str], executor_input: Mapping[str, Any]) -> list[str]:
    """Returns the command of a task's container as it runs here.

    Args:
      command: of the spec.
      executor_input: stands in for the placeholder `{{$}}`.
    """
    text = json.dumps(executor_input)
    local = program_command([part.replace(_EXECUTOR_INPUT, text) for part in command])
    if _DATAFLOW in command:
        local.append(_DIRECT)  # the last one wins
    return local


def program_command(command: Sequence[str]) -> list[str]:
    """Returns a container's command with this interpreter as `python`."""
    return [sys.executable if command[0] in _PYTHON else command[0], *command[1:]]


def container_environment() -> dict[str, str]:
    """Returns the variables of this process and, before them, those of the image."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    # Beam starts its workers as plain `python`; steps run in folders of their own.
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {**inherited, **IMAGE_ENVIRONMENT, "PATH": path, "PYTHONPATH": str(_PROJECT)}
