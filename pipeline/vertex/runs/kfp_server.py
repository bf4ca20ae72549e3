"""Runs on a Kubeflow Pipelines server, through its own client."""

import contextlib
import datetime
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import kfp
import kfp_server_api
import urllib3

from components.errors import InputError
from pipeline.paths import PIPELINE_NAME
from pipeline.vertex.api.service import call, create_once
from pipeline.vertex.api.service_error import OtherServiceError, own_words
from pipeline.vertex.runs.run_state import (
    CANCELLED,
    FAILED,
    SKIPPED,
    SUCCEEDED,
    RunState,
    TaskState,
)

_LISTED = 20
_STATES = {
    "SUCCEEDED": SUCCEEDED,
    "FAILED": FAILED,
    "CANCELED": CANCELLED,
    "SKIPPED": SKIPPED,
    "CANCELING": "cancelling",
}
_RETRYABLE = (408, 429, 500, 502, 503, 504)
_REACH = (
    "check --host; `kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80` makes the server "
    "http://localhost:8080"
)
T = TypeVar("T")


class KfpRuns:
    """The runs of one server. It is asked without credentials, as behind a port forward."""

    def __init__(self, host: str, namespace: str | None = None) -> None:
        """Connects to nothing yet.

        Args:
          host: address of the server, `http://HOST:PORT`.
          namespace: of Kubernetes, where the server has several users; None without.

        Raises:
          InputError: if the address has another form.
        """
        if not host.startswith(("http://", "https://")):
            raise InputError(
                f"--host: expected http://HOST:PORT or https://HOST, received {host!r}"
            )
        self._host, self._namespace = host.rstrip("/"), namespace

    @cached_property
    def _client(self) -> kfp.Client:
        return self._call(
            "connect", lambda: kfp.Client(host=self._host, namespace=self._namespace or "kubeflow")
        )

    def create(self, job: Mapping[str, Any], name: str, experiment: str) -> str:
        """Starts a run, once, whatever happens to the answers.

        Args:
          job: what `compile_pipeline` returned for this target.
          name: of the run; no other run has it.
          experiment: that the run belongs to; made if it is not there.

        Returns:
          the run's id.

        Raises:
          ServiceError: if it could not be started.
        """
        group = self._call(
            f"find or make the experiment {experiment}",
            lambda: self._client.create_experiment(experiment, namespace=self._namespace),
        )
        with tempfile.TemporaryDirectory() as folder:
            spec = Path(folder, "pipeline.yaml")  # JSON is YAML
            spec.write_text(json.dumps(job["pipelineSpec"]))
            run = create_once(
                f"create the run {name}",
                lambda: _translated(
                    lambda: self._client.run_pipeline(
                        group.experiment_id,
                        name,
                        str(spec),
                        pipeline_root=job["runtimeConfig"]["gcsOutputDirectory"],
                        # What was compiled for each task counts: some may not be cached.
                        enable_caching=None,
                    )
                ),
                lambda: self._named(group.experiment_id, name),
            )
        return str(run.run_id)

    def link(self, run: str) -> str:
        """Returns the page of a run."""
        return f"{self._host}/#/runs/details/{run}"

    def read(self, run: str) -> RunState:
        """Looks at a run.

        Raises:
          ServiceError: if there is none or it cannot be read.
        """
        return self._state(self._call(f"read the run {run}", lambda: self._client.get_run(run)))

    def newest(self) -> list[RunState]:
        """Returns this pipeline's newest runs, newest first, without their tasks."""
        answer = self._call(
            "list the runs",
            lambda: self._client.list_runs(
                page_size=_LISTED,
                sort_by="created_at desc",
                namespace=self._namespace,
                filter=_filter("IS_SUBSTRING", PIPELINE_NAME),
            ),
        )
        return [self._state(run) for run in answer.runs or ()]

    def cancel(self, run: str) -> list[str]:
        """Ends a run; returns what was done.

        Raises:
          ServiceError: if there is none or it cannot be ended.
        """
        before = self.read(run)
        if before.has_ended:
            return [f"{run}: had ended before: {before.state}"]
        self._call(f"terminate the run {run}", lambda: self._client.terminate_run(run))
        return [f"{run}: cancelled"]

    def _named(self, experiment_id: str, name: str) -> kfp_server_api.V2beta1Run | None:
        """Returns the run that has a name; None without."""
        answer = _translated(
            lambda: self._client.list_runs(
                experiment_id=experiment_id, filter=_filter("EQUALS", name)
            )
        )
        return next(iter(answer.runs or ()), None)

    def _call(self, what: str, request: Callable[[], T]) -> T:
        return call(f"{self._host}: {what}", lambda: _translated(request))

    def _state(self, run: kfp_server_api.V2beta1Run) -> RunState:
        details = run.run_details.task_details if run.run_details else None
        # The server lists its own drivers and the run as a whole among the tasks.
        steps = [each for each in details or () if not _is_own(each.display_name)]
        steps.sort(key=lambda each: (not _has_started(each), str(each.start_time)))
        return RunState(
            id=str(run.run_id),
            state=_state_name(run.state),
            created=f"{run.created_at:%Y-%m-%d %H:%M:%S} UTC" if run.created_at else "",
            link=self.link(str(run.run_id)),
            error=" ".join((run.error.message or "").split()) if run.error else "",
            tasks=tuple(_task_state(each) for each in steps),
        )


def _is_own(name: str | None) -> bool:
    return not name or name in ("root", "root-driver", "driver") or name.endswith("-driver")


def _has_started(task: kfp_server_api.V2beta1PipelineTaskDetail) -> bool:
    """Whether a task has a start; before it has the year 1970 there, or nothing."""
    return bool(task.start_time and task.start_time.year > 1970)


def _task_state(task: kfp_server_api.V2beta1PipelineTaskDetail) -> TaskState:
    seconds = None
    if _has_started(task):
        has_ended = task.end_time and task.end_time.year > 1970
        end = task.end_time if has_ended else datetime.datetime.now(datetime.timezone.utc)
        seconds = max(0.0, (end - task.start_time).total_seconds())
    error = " ".join((task.error.message or "").split()) if task.error else ""
    return TaskState(str(task.display_name), _state_name(task.state), seconds, error)


def _state_name(state: str | None) -> str:
    return _STATES.get(state or "PENDING", (state or "PENDING").lower())


def _filter(operation: str, name: str) -> str:
    predicate = {"operation": operation, "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})


def _translated(request: Callable[[], T]) -> T:
    """Sends a request; its errors become those that `service.call` knows.

    Raises:
      OtherServiceError: if it failed.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the client prints links of its own
            return request()
    except kfp_server_api.ApiException as error:
        status = int(error.status or 0)
        said = f"{status} {error.reason}: {_message(error.body)}"
        raise OtherServiceError(said, status in _RETRYABLE, _cure(status), status) from error
    except TimeoutError as error:  # the client has asked for the server's health many times
        cure = f"{_REACH}; or it asks who you are: the log has what it answered"
        raise OtherServiceError(own_words(error), False, cure, None) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        said = f"no answer: {own_words(error)}"
        raise OtherServiceError(said, True, _REACH, None) from error


def _message(body: str | bytes | None) -> str:
    """The text of an error: the server answers in JSON, what stands before it in HTML."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        answer = json.loads(text)
        text = str(answer.get("error_message") or answer.get("message") or answer.get("error"))
    except (ValueError, AttributeError):
        pass
    return " ".join(text.split())[:300] or "no reason given"


def _cure(status: int) -> str:
    if status in (401, 403):
        return (
            "the server asks who you are, which this command does not answer: reach it by a port "
            "forward, or give --namespace where it has several users"
        )
    if status == 404:
        return "check the run's id (`status` without one lists the runs) and --host"
    if status in _RETRYABLE:
        return "the same command may be given again; `kubectl logs -n kubeflow deploy/ml-pipeline`"
    return "correct what it names; `compile --target kfp --output FILE` writes what is sent"
