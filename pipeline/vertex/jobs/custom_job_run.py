"""One custom job from start to end: found again or started, watched, cancelled with its task."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from google.cloud.aiplatform_v1 import JobServiceClient
from google.cloud.aiplatform_v1.types import CreateCustomJobRequest, CustomJob, JobState
from google.protobuf import json_format

from components.progress import report
from pipeline.vertex.api.request_check import check_required
from pipeline.vertex.api.service import TIMEOUT_SECONDS, call, create_once

# The label that names the execution of a step: its next try finds the job by it.
EXECUTION_LABEL = "step_execution"
_FIRST_WAIT_SECONDS = 1.0
_MAX_WAIT_SECONDS = 30.0
_FAILED = (
    JobState.JOB_STATE_FAILED,
    JobState.JOB_STATE_CANCELLED,
    JobState.JOB_STATE_EXPIRED,
    JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
)


_ENDED = (*_FAILED, JobState.JOB_STATE_SUCCEEDED)


class JobFailedError(RuntimeError):
    """A custom job ended without success; the message has its state, its error and its page."""


def run_custom_job(
    client: JobServiceClient,
    location: str,
    body: Mapping[str, Any],
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Runs a custom job to its end.

    A job of the same execution that runs or has succeeded is taken up, so a try of a step that died
    while it waited does not pay for a second one. One that failed is not.

    Args:
      client: of Vertex AI.
      location: `projects/PROJECT/locations/REGION`.
      body: as `custom_job.custom_job` makes it, with the label `EXECUTION_LABEL`.
      sleep: waits so many seconds.

    Returns:
      the full name of the job.

    Raises:
      InputError: if the body lacks a field that the service requires.
      JobFailedError: if the job failed, was cancelled or took too long.
      ServiceError: if the service does not answer as it should; the job may run on, and the next
        try finds it.
    """
    request = CreateCustomJobRequest(parent=location, custom_job=CustomJob())
    json_format.ParseDict(dict(body), CustomJob.pb(request.custom_job))
    check_required(request)
    try:
        return _wait(client, _find_or_create(client, request, sleep), sleep)
    except (KeyboardInterrupt, SystemExit):
        # Whoever cancels the pipeline does not want to pay for what it has started.
        _cancel_all(client, request, sleep)
        raise


def _cancel_all(
    client: JobServiceClient, request: CreateCustomJobRequest, sleep: Callable[[float], None]
) -> None:
    """Cancels the jobs of the execution, also one whose creation was not answered yet."""
    for job in call("list the custom jobs", lambda: _jobs_of(client, request), sleep):
        if job.state in _ENDED:
            continue
        report(f"cancelling {job.name}")
        call(
            f"cancel the custom job {job.name}",
            lambda name=job.name: client.cancel_custom_job(  # type: ignore[misc]
                name=name, timeout=TIMEOUT_SECONDS
            ),
            sleep,
        )


def _find_or_create(
    client: JobServiceClient, request: CreateCustomJobRequest, sleep: Callable[[float], None]
) -> CustomJob:
    """Returns the job of an earlier try, or starts one."""
    earlier = call("list the custom jobs", lambda: _jobs_of(client, request), sleep)
    for job in earlier:
        if job.state not in _FAILED:
            report(f"taking up {job.name} of an earlier try")
            return job
    known = {job.name for job in earlier}

    def find() -> CustomJob | None:
        return next((job for job in _jobs_of(client, request) if job.name not in known), None)

    job = create_once(
        f"create the custom job {request.custom_job.display_name}",
        lambda: client.create_custom_job(request, timeout=TIMEOUT_SECONDS, retry=None),
        find,
        sleep,
    )
    report(f"started {job.name}: {console_url(job.name)}")
    return job


def _jobs_of(client: JobServiceClient, request: CreateCustomJobRequest) -> list[CustomJob]:
    """Returns the jobs of the same execution, newest first."""
    key = request.custom_job.labels[EXECUTION_LABEL]
    listed = {"parent": request.parent, "filter": f'labels.{EXECUTION_LABEL}="{key}"'}
    return list(client.list_custom_jobs(listed, timeout=TIMEOUT_SECONDS))


def _wait(client: JobServiceClient, job: CustomJob, sleep: Callable[[float], None]) -> str:
    """Looks at a job until it has ended; tells when its state changes."""
    name: str = job.name
    wait_seconds = _FIRST_WAIT_SECONDS
    seen = None
    while True:
        job = call(
            f"read the custom job {name}",
            lambda: client.get_custom_job(name=name, timeout=TIMEOUT_SECONDS),
            sleep,
        )
        state = JobState(job.state)
        if state != seen:
            report(f"{job.display_name}: {state.name.removeprefix('JOB_STATE_').lower()}")
            seen = state
        if state == JobState.JOB_STATE_SUCCEEDED:
            return name
        if state in _FAILED:
            ended = state.name.removeprefix("JOB_STATE_").lower().replace("_", " ")
            said = job.error.message or "no reason given"
            raise JobFailedError(
                f"custom job {job.display_name} {ended}: {said}; its log: {console_url(name)}"
            )
        sleep(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, _MAX_WAIT_SECONDS)


def console_url(name: str) -> str:
    """Returns the page of a custom job, of which the full name is given."""
    _, project, _, region, _, number = name.split("/")
    return (
        f"https://console.cloud.google.com/vertex-ai/locations/{region}/training/{number}"
        f"?project={project}"
    )
