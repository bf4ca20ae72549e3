"""Artifacts and executions as JSON-ready dictionaries with stable keys."""

from datetime import datetime, timezone
from typing import Any

from components.errors import InputError
from pipeline.lineage.records import Artifact, Execution, Run, Snapshot


def iso_time(milliseconds: int) -> str:
    """Returns a time since 1970 as ISO 8601 in UTC, with milliseconds."""
    time = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    return time.isoformat(timespec="milliseconds")


def run_reference(run: Run) -> dict[str, Any]:
    """Returns when and how a run was started; what was not recorded is None."""
    return {
        "id": run.id,
        "started": iso_time(run.created_ms),
        "command": run.origin and run.origin.command,
        "commit": run.origin and run.origin.commit,
        "has_local_changes": run.origin and run.origin.has_local_changes,
    }


def artifact_view(snapshot: Snapshot, artifact: Artifact) -> dict[str, Any]:
    """Returns one artifact with the execution that wrote it (`producer`, or None)."""
    producer = snapshot.producer(artifact.id)
    return {
        "id": artifact.id,
        "type": artifact.type,
        "uri": artifact.uri,
        "state": artifact.state,
        "created": iso_time(artifact.created_ms),
        "producer": producer and _writer(producer, artifact.id),
        "properties": artifact.properties,
    }


def _writer(execution: Execution, artifact_id: int) -> dict[str, Any]:
    keys = [link.key for link in execution.outputs if link.artifact_id == artifact_id]
    return {**execution_reference(execution), "key": keys[0]}


def execution_reference(execution: Execution) -> dict[str, Any]:
    """Returns the few fields that name an execution."""
    return {
        "execution": execution.id,
        "node": execution.node,
        "run": execution.run_id,
        "state": execution.state,
    }


def execution_view(snapshot: Snapshot, execution: Execution) -> dict[str, Any]:
    """Returns one execution with its properties and its artifacts."""
    ended = execution.succeeded or execution.state == "failed"
    return {
        **execution_reference(execution),
        "type": execution.type,
        "started": iso_time(execution.started_ms),
        "finished": iso_time(execution.updated_ms) if ended else None,
        "inputs": _links(snapshot, execution, "inputs"),
        "outputs": _links(snapshot, execution, "outputs"),
        "properties": execution.properties,
    }


def _links(snapshot: Snapshot, execution: Execution, side: str) -> list[dict[str, Any]]:
    links = []
    for link in getattr(execution, side):
        artifact = snapshot.artifacts[link.artifact_id]
        row = {"key": link.key, "artifact": artifact.id, "type": artifact.type}
        links.append({**row, "uri": artifact.uri})
    return links


def artifacts_document(
    snapshot: Snapshot, type_name: str | None, run_id: str | None
) -> dict[str, Any]:
    """Returns `{"artifacts": [...]}` in id order.

    Args:
      snapshot: the database.
      type_name: only artifacts of this type.
      run_id: only the outputs of this run, cached ones included. The first characters are
        enough where they name one run.

    Raises:
      InputError: if no artifact has this type, or no run (or more than one) this id.
    """
    artifacts = list(snapshot.artifacts.values())
    if run_id is not None:
        outputs = {
            link.artifact_id
            for execution in snapshot.run_executions(_full_run_id(snapshot, run_id))
            for link in execution.outputs
        }
        artifacts = [artifact for artifact in artifacts if artifact.id in outputs]
    if type_name is not None:
        known = sorted({artifact.type for artifact in snapshot.artifacts.values()})
        if type_name not in known:
            raise InputError(f"--type: no artifact of type {type_name!r}; there are {known}")
        artifacts = [artifact for artifact in artifacts if artifact.type == type_name]
    return {"artifacts": [artifact_view(snapshot, artifact) for artifact in artifacts]}


def _full_run_id(snapshot: Snapshot, text: str) -> str:
    known = [run.id for run in snapshot.runs]
    matching = [run_id for run_id in known if run_id.startswith(text)]
    if text in known:
        return text
    if len(matching) != 1:
        raise InputError(
            f"--run: {text!r} names {len(matching)} runs; expected one of {matching or known}"
        )
    return matching[0]


def show_artifact_document(snapshot: Snapshot, artifact_id: int) -> dict[str, Any]:
    """Returns `{"artifact": ..., "consumers": [...]}`.

    Raises:
      InputError: if there is no such artifact.
    """
    if artifact_id not in snapshot.artifacts:
        raise InputError(f"no artifact has the id {artifact_id}; `artifacts` lists them")
    consumers = snapshot.consumers(artifact_id)
    return {
        "artifact": artifact_view(snapshot, snapshot.artifacts[artifact_id]),
        "consumers": [execution_reference(execution) for execution in consumers],
    }


def show_execution_document(snapshot: Snapshot, execution_id: int) -> dict[str, Any]:
    """Returns `{"execution": ...}`.

    Raises:
      InputError: if there is no such execution.
    """
    if execution_id not in snapshot.executions:
        raise InputError(
            f"no execution has the id {execution_id}; `show` of an artifact names its executions"
        )
    return {"execution": execution_view(snapshot, snapshot.executions[execution_id])}
