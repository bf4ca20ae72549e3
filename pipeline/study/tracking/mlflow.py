"""A study in an MLflow store: a run a cell below one run of the study."""

import hashlib
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import InputError
from components.files import write_text
from pipeline.study.outcome.study import Cell, Run, Study, unique
from pipeline.study.outcome.write import FIGURES, PAGE, SUMMARY
from pipeline.study.tracking.facts import costs, final_numbers, hyperparameters

_STUDY, _CELL, _DIGEST = "dlrm_approx.study", "dlrm_approx.cell", "dlrm_approx.digest"
# In the study's folder: what tells it from others of its name on the same server.
_ID_FILE = "mlflow_id"
_MOST_METRICS = 1000  # of one request
_MOST_RUNS = 50_000

Numbers = list[tuple[str, float, int]]


def log_to_mlflow(folder: Path, study: Study, uri: str) -> None:
    """Logs a study; what is already there as it is now stays as it is.

    The experiment and the study's run are named by the study's root. An id in its folder tells the
    same study again. A cell's run has its hyperparameters as params, the mean over the seeds of its
    curves as metrics by step, its final metrics with intervals, and its status. A cell whose
    numbers have changed since gets a new run, and the old one is deleted (MLflow keeps deleted runs
    for a while).

    Args:
      folder: the study's, with `figures/`, the page and the summary, which go to the study's run.
      study: what the tables hold.
      uri: the tracking URI.

    Raises:
      InputError: if MLflow is not installed, or the store cannot be used.
    """
    mlflow = _imported()
    name = _name(folder)
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, name, uri)
        parent = _study_run(client, experiment, name, _study_id(folder))
        for file in (folder / FIGURES, folder / PAGE, folder / SUMMARY):
            if file.is_dir():
                client.log_artifacts(parent, str(file), file.name)
            elif file.exists():
                client.log_artifact(parent, str(file))
        _log_cells(mlflow, client, experiment, parent, study)
        client.set_terminated(parent)
    except mlflow.exceptions.MlflowException as error:
        raise InputError(f"--tracking-uri {uri}: MLflow cannot use it: {error}") from error


def _imported() -> Any:
    # Read when MLflow is first imported: a study tells nobody that it ran.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError as error:
        raise InputError(
            "--tracking-uri: expected MLflow to be installed, found none; install the extra "
            "`mlflow` of this project, or leave the flag out"
        ) from error
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return mlflow


def _name(folder: Path) -> str:
    place = folder.resolve()
    return place.parent.name if place.name == "study" else place.name


def _experiment(client: Any, name: str, uri: str) -> str:
    """Returns the experiment's id; it is made if it is new.

    Artifacts of a database file lie beside it; MLflow would put them into the current folder.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = None
    if uri.startswith("sqlite:///"):
        place = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _study_id(folder: Path) -> str:
    path = folder / _ID_FILE
    if not path.exists():
        write_text(str(path), uuid.uuid4().hex)
    return path.read_text()


def _study_run(client: Any, experiment: str, name: str, study_id: str) -> str:
    found = client.search_runs([experiment], f"tags.`{_STUDY}` = '{study_id}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    tags = {_STUDY: study_id}
    return str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)


def _log_cells(mlflow: Any, client: Any, experiment: str, parent: str, study: Study) -> None:
    below = f"tags.`mlflow.parentRunId` = '{parent}'"
    logged = client.search_runs([experiment], below, max_results=_MOST_RUNS)
    there = {run.data.tags[_CELL]: run for run in logged if _DIGEST in run.data.tags}
    for run in logged:  # one that was interrupted has no digest yet
        if _DIGEST not in run.data.tags:
            client.delete_run(run.info.run_id)
    for name in unique(run.cell for run in study.runs):
        runs = [run for run in study.runs if run.cell == name]
        params, tags = hyperparameters(runs[0]), _tags(runs)
        numbers = [*_curves(runs), *_finals(study.find(name), runs)]
        content = json.dumps([params, tags, numbers], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        old = there.get(name)
        if old is not None and old.data.tags[_DIGEST] == digest:
            continue
        tags |= {"mlflow.parentRunId": parent, _CELL: name}
        new = client.create_run(experiment, tags=tags, run_name=name).info.run_id
        _log_numbers(mlflow, client, new, params, numbers)
        client.set_tag(new, _DIGEST, digest)
        client.set_terminated(new, "FINISHED" if tags["status"] == "done" else "FAILED")
        if old is not None:
            client.delete_run(old.info.run_id)


def _tags(runs: list[Run]) -> dict[str, str]:
    statuses = {run.status for run in runs}
    tags = {"status": next((s for s in ("failed", "skipped") if s in statuses), "done")}
    errors = unique(run.error for run in runs if run.error)
    return tags | ({"error": "; ".join(errors)[:4000]} if errors else {})


def _curves(runs: list[Run]) -> Iterator[tuple[str, float, int]]:
    """Yields the mean over the seeds at each step that all of them have."""
    done = [run for run in runs if run.is_done]
    for name in unique(name for run in done for name in run.curves):
        own = [run for run in done if name in run.curves]
        by_step: dict[int, list[float]] = {}
        for run in own:
            for step, value in zip(run.step, run.curves[name], strict=True):
                if np.isfinite(value):
                    by_step.setdefault(int(step), []).append(float(value))
        for step, values in sorted(by_step.items()):
            if len(values) == len(own):
                yield name, sum(values) / len(values), step


def _finals(cell: Cell | None, runs: list[Run]) -> Numbers:
    numbers: Mapping[str, float] = final_numbers(cell) if cell else {}
    of_first = next((costs(run) for run in runs if run.is_done), {})
    if cell and cell.train_seconds is not None:
        of_first["train_seconds"] = cell.train_seconds
    return [(name, float(value), 0) for name, value in {**of_first, **numbers}.items()]


def _log_numbers(
    mlflow: Any, client: Any, run: str, params: Mapping[str, Any], numbers: Numbers
) -> None:
    now = int(time.time() * 1000)
    sent = [mlflow.entities.Param(name, str(value)) for name, value in params.items()]
    metrics = [mlflow.entities.Metric(name, value, now, step) for name, value, step in numbers]
    client.log_batch(run, params=sent)
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS])
