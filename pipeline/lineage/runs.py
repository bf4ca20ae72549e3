"""One line a pipeline run: what ran, what came from the cache, what failed, what was pushed."""

from typing import Any

from pipeline.lineage.records import (
    CACHED,
    COMPLETE,
    FAILED_STATES,
    RUNNING_STATES,
    Execution,
    Run,
    Snapshot,
)
from pipeline.lineage.views import iso_time, run_reference

PUSHER_NODE = "Pusher"
PUSHED_DESTINATION = "pushed_destination"


def runs_document(snapshot: Snapshot) -> dict[str, Any]:
    """Returns `{"runs": [...]}`, oldest first.

    A run is `failed` if a step failed, `complete` if its last step (the Pusher) has ended, and
    `running` otherwise. A run that never ended while a newer one exists is `stopped`: its process
    was killed, or a step failed before it began.
    """
    last = len(snapshot.runs) - 1
    runs = [_run(snapshot, run, index == last) for index, run in enumerate(snapshot.runs)]
    return {"runs": runs}


def _run(snapshot: Snapshot, run: Run, is_newest: bool) -> dict[str, Any]:
    executions = snapshot.run_executions(run.id)
    state = _state(executions, is_newest)
    started = min([run.created_ms, *(execution.started_ms for execution in executions)])
    updated = max([started, *(execution.updated_ms for execution in executions)])
    return {
        **run_reference(run),
        "pipeline": run.pipeline,
        "state": state,
        "started": iso_time(started),
        "last_change": iso_time(updated),
        "seconds": round((updated - started) / 1000, 3),
        "num_executed": sum(execution.state == COMPLETE for execution in executions),
        "num_cached": sum(execution.state == CACHED for execution in executions),
        "failed": _nodes(executions, FAILED_STATES),
        "unfinished": _nodes(executions, RUNNING_STATES),
        "pushed_model": _pushed_model(snapshot, executions),
    }


def _state(executions: list[Execution], is_newest: bool) -> str:
    if any(execution.state in FAILED_STATES for execution in executions):
        return "failed"
    if any(execution.node == PUSHER_NODE and execution.succeeded for execution in executions):
        return "complete"
    return "running" if is_newest else "stopped"


def _nodes(executions: list[Execution], states: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"node": execution.node, "execution": execution.id}
        for execution in executions
        if execution.state in states
    ]


def _pushed_model(snapshot: Snapshot, executions: list[Execution]) -> dict[str, Any] | None:
    """Returns the model that the run pushed, or found already pushed (`cached`)."""
    for execution in executions:
        for link in execution.outputs:
            artifact = snapshot.artifacts[link.artifact_id]
            if execution.succeeded and PUSHED_DESTINATION in artifact.properties:
                return {
                    "artifact": artifact.id,
                    "path": artifact.properties[PUSHED_DESTINATION],
                    "cached": execution.state == CACHED,
                }
    return None
