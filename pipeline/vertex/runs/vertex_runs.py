"""Runs on Vertex AI: started, looked at, cancelled."""

from http import HTTPStatus
from itertools import islice

from google.api_core.exceptions import NotFound
from google.cloud.aiplatform_v1.types import (
    CreatePipelineJobRequest,
    CreateScheduleRequest,
    CustomJob,
    PipelineJob,
    Schedule,
)

from components.errors import InputError
from pipeline.paths import PIPELINE_NAME
from pipeline.vertex.api.service import TIMEOUT_SECONDS, Service, ServiceError, call, create_once
from pipeline.vertex.labels import PIPELINE_JOB_LABEL
from pipeline.vertex.runs.run_state import RunState
from pipeline.vertex.runs.vertex_state import run_state

_CONSOLE = "https://console.cloud.google.com/vertex-ai"
_LISTED = 20
# What the ids of schedules begin with, to tell them from those of runs.
SCHEDULES = "schedules/"
_ACTIVE_JOBS = ("JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING")


class VertexRuns:
    """The pipeline jobs and schedules of one project and region."""

    def __init__(self, project: str, region: str, endpoint: str | None = None) -> None:
        """Connects to nothing yet.

        Args:
          project: its id.
          region: such as `us-central1`.
          endpoint: as of `Service`.
        """
        self._project, self._region = project, region
        self._parent = f"projects/{project}/locations/{region}"
        self._service = Service(region, endpoint)

    def create(self, request: CreatePipelineJobRequest) -> str:
        """Starts a run, once, whatever happens to the answers; returns its id.

        Raises:
          ServiceError: if it could not be started.
        """
        client, job_id = self._service.pipelines(), request.pipeline_job_id

        def find() -> PipelineJob | None:
            try:
                return self._get(job_id)
            except NotFound:
                return None

        create_once(
            f"create the pipeline job {job_id}",
            lambda: client.create_pipeline_job(request, timeout=TIMEOUT_SECONDS, retry=None),
            find,
        )
        return job_id

    def create_schedule(self, request: CreateScheduleRequest) -> str:
        """Makes a schedule, once; returns what `cancel` is given.

        Raises:
          ServiceError: if it could not be made.
        """
        client, name = self._service.schedules(), request.schedule.display_name

        def find() -> Schedule | None:
            query = {"parent": self._parent, "filter": f'display_name="{name}"'}
            return next(iter(client.list_schedules(query, timeout=TIMEOUT_SECONDS)), None)

        schedule = create_once(
            f"create the schedule {name}",
            lambda: client.create_schedule(request, timeout=TIMEOUT_SECONDS, retry=None),
            find,
        )
        return SCHEDULES + _last(schedule.name)

    def link(self, run: str) -> str:
        """Returns the page of a run or of a schedule."""
        kind = "schedules" if run.startswith(SCHEDULES) else "runs"
        return (
            f"{_CONSOLE}/locations/{self._region}/pipelines/{kind}/{run.removeprefix(SCHEDULES)}"
            f"?project={self._project}"
        )

    def read(self, run: str) -> RunState:
        """Looks at a run.

        Raises:
          ServiceError: if there is none or it cannot be read.
        """
        job = call(f"read the pipeline job {run}", lambda: self._get(run))
        return run_state(job, self.link(run))

    def find(self, run: str) -> RunState | None:
        """Looks at a run; None if there is none of that id.

        Raises:
          ServiceError: if it cannot be read.
        """
        try:
            return self.read(run)
        except ServiceError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def newest(self) -> list[RunState]:
        """Returns this pipeline's schedules and its newest runs, newest first, without tasks."""
        client = self._service.pipelines()
        query = {
            "parent": self._parent,
            "filter": f'pipeline_name="{PIPELINE_NAME}"',
            "order_by": "create_time desc",
            "page_size": _LISTED,
            "read_mask": {"paths": ["name", "state", "create_time"]},  # a specification is large
        }
        jobs = call(
            "list the pipeline jobs",
            lambda: list(
                islice(client.list_pipeline_jobs(query, timeout=TIMEOUT_SECONDS), _LISTED)
            ),
        )
        return [*self._schedules(), *(run_state(job, self.link(_last(job.name))) for job in jobs)]

    def _schedules(self) -> list[RunState]:
        client = self._service.schedules()
        query = {"parent": self._parent, "filter": 'state="ACTIVE"'}
        schedules: list[Schedule] = call(
            "list the schedules",
            lambda: list(client.list_schedules(query, timeout=TIMEOUT_SECONDS)),
        )
        return [
            RunState(
                id=SCHEDULES + _last(schedule.name),
                state="scheduled",
                created=schedule.cron,
                link=self.link(SCHEDULES + _last(schedule.name)),
            )
            for schedule in schedules
            if schedule.display_name.startswith(f"{PIPELINE_NAME}-")
        ]

    def cancel(self, run: str) -> list[str]:
        """Ends a run and the custom jobs that it has started, or deletes a schedule.

        Returns:
          what was done, a line each.

        Raises:
          ServiceError: if there is none or it cannot be cancelled.
        """
        if run.startswith(SCHEDULES):
            schedules = self._service.schedules()
            name = f"{self._parent}/{run}"
            call(
                f"delete the schedule {run}",
                lambda: schedules.delete_schedule(name=name, timeout=TIMEOUT_SECONDS),
            )
            return [f"{run}: deleted; runs that it has started go on"]
        before = self.read(run)
        if before.has_ended:
            said = f"{run}: had ended before: {before.state}"
        else:
            pipelines, name = self._service.pipelines(), self._name(run)
            call(
                f"cancel the pipeline job {run}",
                lambda: pipelines.cancel_pipeline_job(name=name, timeout=TIMEOUT_SECONDS),
            )
            said = f"{run}: cancelled"
        # Vertex AI stops the tasks, not what they have started.
        return [said, *self._cancel_custom_jobs(run)]

    def _cancel_custom_jobs(self, run: str) -> list[str]:
        client = self._service.jobs()
        query = {"parent": self._parent, "filter": f'labels.{PIPELINE_JOB_LABEL}="{run}"'}
        jobs: list[CustomJob] = call(
            f"list the custom jobs of {run}",
            lambda: list(client.list_custom_jobs(query, timeout=TIMEOUT_SECONDS)),
        )
        said = []
        for job in jobs:
            if job.state.name in _ACTIVE_JOBS:
                name = job.name
                call(
                    f"cancel the custom job {job.display_name}",
                    lambda name=name: client.cancel_custom_job(  # type: ignore[misc]
                        name=name, timeout=TIMEOUT_SECONDS
                    ),
                )
                said.append(f"custom job {job.display_name} ({_last(name)}): cancelled")
        return said

    def _name(self, run: str) -> str:
        return f"{self._parent}/pipelineJobs/{run}"

    def _get(self, run: str) -> PipelineJob:
        return self._service.pipelines().get_pipeline_job(
            name=self._name(run), timeout=TIMEOUT_SECONDS, retry=None
        )


def run_id(text: str) -> str:
    """Returns the id in what a person names a run by: an id, a full name, a page's address.

    Raises:
      InputError: if it is none of these.
    """
    found = text.split("?")[0].rstrip("/").split("/")
    if len(found) >= 2 and found[-2] == "schedules":
        return SCHEDULES + found[-1]
    if len(found) > 1 and found[-2] not in ("runs", "pipelineJobs"):
        raise InputError(
            f"expected the id of a run (`status` without one lists them) or schedules/ID, "
            f"received {text!r}"
        )
    return found[-1]


def _last(name: str) -> str:
    """Returns the id at the end of a full name."""
    return name.split("/")[-1]
