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
    outputs = {
        key: str(found.artifacts[0].uri) for key, found in task.outputs.items() if found.artifacts
    }
    return TaskState(
        name=task.task_name,
        state=_words(state, ""),
        seconds=seconds,
        error=_one_line(task.error.message),
        outputs={key: uri for key, uri in outputs.items() if uri},
    )


def _words(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower().replace("_", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())
