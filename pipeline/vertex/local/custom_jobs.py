"""Custom jobs on this machine: each worker is a process."""

import itertools
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline.vertex.local.failure import describe_exit
from pipeline.vertex.local.processes import Processes, StoppedError
from pipeline.vertex.local.worker_pools import Worker, make_workers

PRIMARY_LOG = "workerpool0-0.log"
_PENDING, _RUNNING = "JOB_STATE_PENDING", "JOB_STATE_RUNNING"
_SUCCEEDED, _FAILED = "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"
_CANCELLED = "JOB_STATE_CANCELLED"
_INTERNAL = 13  # the code of google.rpc.Status for a job that failed by itself
_LOOK_EVERY_SECONDS = 0.1
_FILTER = re.compile(r'(?:labels\.(?P<label>[\w-]+)|display_?[nN]ame)\s*=\s*"?(?P<value>[^"]*)"?')


class CustomJobs:
    """The jobs of a run. It may be used by several threads."""

    def __init__(
        self, processes: Processes, logs: Path, on_start: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """Starts without jobs.

        Args:
          processes: of the run.
          logs: folder of the workers' logs, with a folder for each job's display name.
          on_start: called with each job before its workers start.
        """
        self._processes = processes
        self._logs = logs
        self._on_start = on_start
        self._jobs: dict[str, dict[str, Any]] = {}
        self._cancelled: set[str] = set()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self, parent: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Takes a job and starts its workers.

        Args:
          parent: `projects/P/locations/L`.
          body: a CustomJob.

        Returns:
          the job with name, state and times.

        Raises:
          InputError: if a worker pool has no command.
        """
        pools = body.get("jobSpec", {}).get("workerPoolSpecs", ())
        if not pools or not all(pool.get("containerSpec", {}).get("command") for pool in pools):
            raise InputError("jobSpec.workerPoolSpecs: expected containerSpec.command in each pool")
        number = str(next(self._numbers))
        name = f"{parent}/customJobs/{number}"
        workers = make_workers(number, pools)
        with self._lock:
            job = {**body, "name": name, "state": _PENDING, "createTime": _now()}
            self._jobs[name] = job
        self._on_start(job)
        threading.Thread(target=self._run, args=(name, workers), daemon=True).start()
        return job

    def get(self, name: str) -> dict[str, Any]:
        """Returns a job as it is now.

        Raises:
          KeyError: if there is none of that name.
        """
        with self._lock:
            return dict(self._jobs[name])

    def find(self, parent: str, filters: str) -> list[dict[str, Any]]:
        """Returns the jobs of a project and region, the newest first.

        Args:
          parent: `projects/P/locations/L`.
          filters: `labels.KEY="VALUE"` or `display_name="VALUE"`, joined by AND; empty: all.

        Raises:
          InputError: if a filter is of another form.
        """
        with self._lock:
            jobs = [dict(job) for job in self._jobs.values()]
        kept = [job for job in jobs if job["name"].startswith(f"{parent}/")]
        for text in filters.split(" AND ") if filters else ():
            matched = _FILTER.fullmatch(text.strip())
            if matched is None:
                raise InputError(f'filter: expected labels.KEY="VALUE", received {text!r}')
            label, value = matched["label"], matched["value"]
            kept = [
                job
                for job in kept
                if (job.get("labels", {}).get(label) if label else job.get("displayName")) == value
            ]
        return kept[::-1]

    def cancel(self, name: str) -> None:
        """Ends the workers of a job; one that has ended stays as it is.

        Raises:
          KeyError: if there is none of that name.
        """
        with self._lock:
            self._cancelled.add(self._jobs[name]["name"])

    def _run(self, name: str, workers: list[Worker]) -> None:
        folder = self._logs / re.sub(r"[^\w.-]", "_", self.get(name)["displayName"])
        logs = [folder / f"{worker.name}.log" for worker in workers]
        self._update(name, state=_RUNNING, startTime=_now())
        running: list[subprocess.Popen[bytes]] = []
        try:
            for worker, log in zip(workers, logs, strict=True):
                running.append(self._processes.start(worker.command, log, worker.environment))
            outcome = self._watch(name, running, logs)
        except (StoppedError, OSError) as error:
            outcome = _failure(str(error) or "the run was stopped")
        self._processes.end(running)
        self._update(name, **outcome, endTime=_now())

    def _watch(
        self, name: str, running: Sequence[subprocess.Popen[bytes]], logs: Sequence[Path]
    ) -> dict[str, Any]:
        """Waits until a job is done, by itself or not; returns the fields that tell how."""
        while running[0].poll() != 0:
            for process, log in zip(running, logs, strict=True):
                status = process.poll()
                if status:
                    return _failure(f"{log.stem}: {describe_exit(status, log)}; log: {log}")
            if name in self._cancelled:
                return {"state": _CANCELLED}
            time.sleep(_LOOK_EVERY_SECONDS)
        # The primary worker speaks for the job.
        return {"state": _SUCCEEDED}

    def _update(self, name: str, **fields: Any) -> None:
        with self._lock:
            self._jobs[name] = {**self._jobs[name], **fields, "updateTime": _now()}


def _failure(message: str) -> dict[str, Any]:
    return {"state": _FAILED, "error": {"code": _INTERNAL, "message": message}}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
