"""How the jobs of the fake Vertex AI move on: a little with every look at them."""

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.protobuf import field_mask_pb2, json_format

Task = types.PipelineTaskDetail
_DONE_TASKS = (Task.State.SUCCEEDED, Task.State.SKIPPED)
_ENDED_PIPELINES = {
    types.PipelineState.PIPELINE_STATE_SUCCEEDED,
    types.PipelineState.PIPELINE_STATE_FAILED,
    types.PipelineState.PIPELINE_STATE_CANCELLED,
}
_ENDED_JOBS = {
    types.JobState.JOB_STATE_SUCCEEDED,
    types.JobState.JOB_STATE_FAILED,
    types.JobState.JOB_STATE_CANCELLED,
}
_TERM = re.compile(r'\s*([\w.-]+)\s*=\s*"?([^"]*?)"?\s*')


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def masked(message: Any, mask: str) -> Any:
    """The fields that a list asks for; all without a mask."""
    if not mask:
        return message
    masked, fields = type(message)(), field_mask_pb2.FieldMask()
    fields.FromJsonString(mask)
    fields.MergeMessage(type(message).pb(message), type(message).pb(masked))
    return masked


def as_json(message: Any) -> dict[str, Any]:
    """A message as the service writes it."""
    return json.loads(type(message).to_json(message, use_integers_for_enums=False))


def matches(resource: Any, text: str) -> bool:
    """Whether a resource fits a list's filter: `field="value"` terms joined by AND or OR."""
    if not text:
        return True
    return any(
        all(_fits(resource, each) for each in part.split(" AND ")) for part in text.split(" OR ")
    )


def _fits(resource: Any, term: str) -> bool:
    found = _TERM.fullmatch(term)
    if found is None:
        raise ValueError(f"the fake knows no filter {term!r}")
    key, value = found[1], found[2]
    if key.startswith("labels."):
        return dict(resource.labels).get(key.removeprefix("labels.")) == value
    if key == "pipeline_name":
        return _spec(resource)["pipelineInfo"]["name"] == value
    if key == "state":
        return resource.state.name == value
    return str(getattr(resource, key)) == value


def cancel(resource: Any) -> None:
    """Ends a job that has not ended."""
    if isinstance(resource, types.CustomJob):
        if resource.state not in _ENDED_JOBS:
            resource.state = types.JobState.JOB_STATE_CANCELLED
    elif resource.state not in _ENDED_PIPELINES:
        resource.state = types.PipelineState.PIPELINE_STATE_CANCELLED
        for task in resource.job_detail.task_details:
            if task.state not in _DONE_TASKS:
                task.state = Task.State.CANCELLED


def advance_custom_job(job: types.CustomJob, failing: Mapping[str, str]) -> None:
    """Moves a custom job on: pending, running, ended."""
    state = types.JobState
    if job.state == state.JOB_STATE_PENDING:
        job.state, job.start_time = state.JOB_STATE_RUNNING, now()
    elif job.state == state.JOB_STATE_RUNNING:
        job.end_time = now()
        if job.display_name in failing:
            job.state = state.JOB_STATE_FAILED
            job.error = {"code": 3, "message": failing[job.display_name]}
        else:
            job.state = state.JOB_STATE_SUCCEEDED


def advance_pipeline_job(
    job: types.PipelineJob,
    num_parallel: int,
    failing: Mapping[str, str],
    outputs: Mapping[str, Mapping[str, str]],
) -> None:
    """Moves a pipeline job on: running tasks end, those whose inputs are there start."""
    state = types.PipelineState
    if job.state in _ENDED_PIPELINES:
        return
    tasks = _spec(job)["root"]["dag"]["tasks"]
    if job.state == state.PIPELINE_STATE_PENDING:
        job.state, job.start_time = state.PIPELINE_STATE_RUNNING, now()
        job.job_detail.task_details = [
            Task(task_id=number, task_name=name, state=Task.State.PENDING, create_time=now())
            for number, name in enumerate(sorted(tasks), 1)  # a map has no order
        ]
        return
    for task in job.job_detail.task_details:
        if task.state == Task.State.RUNNING:
            _end(task, job.name.split("/")[-1], failing, outputs)
    failed = [t for t in job.job_detail.task_details if t.state == Task.State.FAILED]
    if failed:
        job.state, job.end_time = state.PIPELINE_STATE_FAILED, now()
        job.error = {
            "code": 9,
            "message": f"The DAG failed because some tasks failed. The failed tasks are: "
            f"[{', '.join(task.task_name for task in failed)}].",
        }
        return
    done = {t.task_name for t in job.job_detail.task_details if t.state in _DONE_TASKS}
    ready = [
        task
        for task in job.job_detail.task_details
        if task.state == Task.State.PENDING
        and set(tasks[task.task_name].get("dependentTasks", ())) <= done
    ]
    for task in ready[:num_parallel]:
        task.state, task.start_time = Task.State.RUNNING, now()
    if len(done) == len(tasks):
        job.state, job.end_time = state.PIPELINE_STATE_SUCCEEDED, now()


def _end(
    task: Any, run: str, failing: Mapping[str, str], outputs: Mapping[str, Mapping[str, str]]
) -> None:
    task.end_time = now()
    if task.task_name in failing:
        task.state = Task.State.FAILED
        task.error = {"code": 9, "message": failing[task.task_name]}
        return
    task.state = Task.State.SUCCEEDED
    for key, uri in outputs.get(task.task_name, {}).items():
        artifact = types.Artifact(uri=uri.replace("{run}", run))
        task.outputs[key] = Task.ArtifactList(artifacts=[artifact])


def _spec(job: types.PipelineJob) -> dict[str, Any]:
    return json_format.MessageToDict(types.PipelineJob.pb(job).pipeline_spec)
