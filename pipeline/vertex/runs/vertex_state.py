"""What Vertex AI says of a pipeline job, in our words."""

import datetime
from typing import Any

from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState, PipelineTaskDetail

from pipeline.vertex.runs.run_state import (
    CANCELLED,
    FAILED,
    SKIPPED,
    SUCCEEDED,
    RunState,
    TaskState,
)

# Those of Vertex AI's words that are not ours in lower case.
_STATES = {
    PipelineState.PIPELINE_STATE_SUCCEEDED: SUCCEEDED,
    PipelineState.PIPELINE_STATE_FAILED: FAILED,
    PipelineState.PIPELINE_STATE_CANCELLED: CANCELLED,
}


def run_state(job: PipelineJob, link: str) -> RunState:
    """Returns a run as `status` and `--wait` show it.

    Args:
      job: as Vertex AI describes it.
      link: its page.
    """
    run = job.name.split("/")[-1]
    details = sorted(
        (task for task in job.job_detail.task_details if task.task_name != run),
        key=_start,
    )
    return RunState(
        id=run,
        state=_STATES.get(job.state, _words(job.state.name, "PIPELINE_STATE_")),
        created=f"{job.create_time:%Y-%m-%d %H:%M:%S} UTC" if job.create_time else "",
        link=link,
        error=_one_line(job.error.message),
        tasks=tuple(_task_state(task) for task in details),
        comparison_uri=_output_uri(details, "Evaluator", "comparison"),
    )


def _start(task: PipelineTaskDetail) -> tuple[bool, Any, int]:
    """Orders tasks by their start; those that tell no time come last."""
    time = task.start_time or task.create_time
    return (time is None, time or 0, task.task_id)


def _task_state(task: PipelineTaskDetail) -> TaskState:
    state = task.state.name
    if task.state == PipelineTaskDetail.State.SKIPPED:
        state = SKIPPED  # a task of ours is skipped where its outputs are known
    seconds = None
    if task.start_time:
        end = task.end_time or datetime.datetime.now(datetime.timezone.utc)
        seconds = max(0.0, (end - task.start_time).total_seconds())
    return TaskState(task.task_name, _words(state, ""), seconds, _one_line(task.error.message))


def _output_uri(tasks: list[PipelineTaskDetail], step: str, key: str) -> str | None:
    for task in tasks:
        if task.task_name == step and key in task.outputs and task.outputs[key].artifacts:
            return str(task.outputs[key].artifacts[0].uri) or None
    return None


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())
