"""One task: its inputs put together, its commands run, its outputs read."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.vertex.local.container import task_command
from pipeline.vertex.local.executor_input import (
    INPUT_FILE,
    OUTPUT_FILE,
    executor_input,
    read_executor_output,
    with_driver_output,
    written_artifacts,
)
from pipeline.vertex.local.failure import TaskError
from pipeline.vertex.local.finished import (
    Finished,
    clear,
    fingerprint,
    read_finished,
    write_finished,
)
from pipeline.vertex.local.processes import Processes
from pipeline.vertex.local.tasks import Task


@dataclass(frozen=True)
class Place:
    """Where and by what the tasks of a run are done.

    Attributes:
      processes: of the run.
      tasks: the folder that each task has one in.
      logs: the folder of their logs.
      code_version: of the code that no parameter of a task has the version of.
      endpoint: of the server of custom jobs.
    """

    processes: Processes
    tasks: Path
    logs: Path
    code_version: str
    endpoint: str


def run_task(task: Task, before: Mapping[str, Finished], place: Place) -> tuple[Finished, bool]:
    """Runs a task, unless an earlier run has done it from the same.

    Args:
      task: to run.
      before: the tasks that ended before it.
      place: where.

    Returns:
      what it wrote, and whether an earlier run did.

    Raises:
      TaskError: if one of its commands fails.
      InputError: if it leaves no output.
      StoppedError: if the run is stopped.
    """
    inputs = {key: before[name].artifacts[output] for key, (name, output) in task.inputs.items()}
    upstream = {name: finished.fingerprint for name, finished in sorted(before.items())}

    def hashed(message: Mapping[str, Any]) -> str:
        return fingerprint(task, message["inputs"], upstream, place.code_version, place.endpoint)

    # The name of the folder is the hash of what is known before anything runs.
    folder = place.tasks / f"{task.name}_{hashed(executor_input(task, inputs, place.tasks))}"
    folder.mkdir(parents=True, exist_ok=True)
    message = executor_input(task, inputs, folder)
    if task.pre_cache_check is not None:
        message = _check(task, task.pre_cache_check, message, folder, place)
    finished = read_finished(folder, hashed(message))
    if finished is not None:
        return finished, True
    return _execute(task, message, folder, hashed(message), place), False


def _check(
    task: Task, command: Sequence[str], message: Mapping[str, Any], folder: Path, place: Place
) -> dict[str, Any]:
    """Runs the pre-cache check; returns the `ExecutorInput` with what it found."""
    (folder / OUTPUT_FILE).unlink(missing_ok=True)
    _run(task, command, message, place.logs / f"{task.name}.check.log", place)
    return with_driver_output(message, read_executor_output(task.name, folder))


def _execute(
    task: Task, message: Mapping[str, Any], folder: Path, wanted: str, place: Place
) -> Finished:
    clear(folder, task)
    shutil.rmtree(place.logs / task.name, ignore_errors=True)  # of the workers of its custom job
    if task.pre_cache_check is None:  # else the file is the check's, which the command reads too
        (folder / OUTPUT_FILE).unlink(missing_ok=True)
    (folder / INPUT_FILE).write_text(json.dumps(message, indent=2))  # for people
    _run(task, task.command, message, place.logs / f"{task.name}.log", place)
    output = read_executor_output(task.name, folder)
    finished = Finished(wanted, written_artifacts(message, output))
    write_finished(folder, finished)
    return finished


def _run(
    task: Task, command: Sequence[str], message: Mapping[str, Any], log: Path, place: Place
) -> None:
    process = place.processes.start(task_command(command, message), log)
    status = place.processes.wait(process)
    if status:
        raise TaskError(task.name, status, log)
