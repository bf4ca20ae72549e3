"""Reads a run's ML Metadata database without ever writing to it."""

import json
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import InputError
from pipeline.lineage.origin import RUN_CONTEXT, origin_of
from pipeline.lineage.records import Artifact, Execution, Link, Run, Snapshot
from pipeline.paths import RunPaths

# The context types and event types that TFX writes (tfx/dsl/compiler/constants.py and
# tfx/orchestration/portable/mlmd/event_lib.py).
_PIPELINE_CONTEXT = "pipeline"
_NODE_CONTEXT = "node"
_INPUT_EVENTS = (mlmd.Event.INPUT, mlmd.Event.DECLARED_INPUT)
_OUTPUT_EVENTS = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)
_EXECUTION_RESULT = "__execution_result__"


class NoMetadataError(InputError):
    """There is no readable ML Metadata database under the root folder."""


def read_snapshot(root: Path) -> Snapshot:
    """Reads everything under `root`'s database.

    Executions come before events and events before artifacts, so whatever a run adds while this
    reads, no event points at an artifact that is not there.

    Raises:
      NoMetadataError: if the folder or the database is missing or not readable.
    """
    path = RunPaths(root).metadata_path
    if not root.is_dir():
        raise NoMetadataError(f"--root: {root} is not a folder")
    if not path.is_file():
        raise NoMetadataError(
            f"--root: no ML Metadata database at {path}; expected the root folder of a run"
        )
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
    try:
        store = MetadataStore(config)
        executions = _read_executions(store)
        artifacts = {artifact.id: _artifact(artifact) for artifact in store.get_artifacts()}
        return Snapshot(dict(sorted(artifacts.items())), executions, _read_runs(store))
    except Exception as error:  # The client raises RuntimeError and its own unrelated classes.
        reason = str(error).strip().split(" query:")[0]
        raise NoMetadataError(f"cannot read the ML Metadata database {path}: {reason}") from error


def _read_runs(store: MetadataStore) -> tuple[Run, ...]:
    runs = []
    for context in store.get_contexts_by_type(RUN_CONTEXT):
        parents = store.get_parent_contexts_by_context(context.id)
        pipeline = next((parent.name for parent in parents), "")
        created_ms = context.create_time_since_epoch
        runs.append((context.id, Run(context.name, pipeline, created_ms, origin_of(context))))
    return tuple(run for _, run in sorted(runs, key=lambda item: item[0]))


def _read_executions(store: MetadataStore) -> dict[int, Execution]:
    """Returns id -> execution in id order, with nodes, runs and links filled in."""
    protos = sorted(store.get_executions(), key=lambda proto: proto.id)
    run_ids = _names_by_execution(store, RUN_CONTEXT)
    nodes = _names_by_execution(store, _NODE_CONTEXT)
    pipelines = _names_by_execution(store, _PIPELINE_CONTEXT)
    inputs: dict[int, list[tuple[str, int, int]]] = {}
    outputs: dict[int, list[tuple[str, int, int]]] = {}
    ids = [proto.id for proto in protos]
    for event in store.get_events_by_execution_ids(ids) if ids else ():
        links = {**dict.fromkeys(_INPUT_EVENTS, inputs), **dict.fromkeys(_OUTPUT_EVENTS, outputs)}
        if event.type in links:
            found = links[event.type].setdefault(event.execution_id, [])
            found.extend((key, index, event.artifact_id) for key, index in _path(event))
    executions = {}
    for proto in protos:
        executions[proto.id] = Execution(
            id=proto.id,
            type=proto.type,
            node=nodes.get(proto.id, proto.type).removeprefix(f"{pipelines.get(proto.id, '')}."),
            run_id=run_ids.get(proto.id, ""),
            state=mlmd.Execution.State.Name(proto.last_known_state).lower(),
            started_ms=proto.create_time_since_epoch,
            updated_ms=proto.last_update_time_since_epoch,
            properties=_properties(proto),
            inputs=tuple(Link(key, id_) for key, _, id_ in sorted(inputs.get(proto.id, []))),
            outputs=tuple(Link(key, id_) for key, _, id_ in sorted(outputs.get(proto.id, []))),
        )
    return executions


def _names_by_execution(store: MetadataStore, context_type: str) -> dict[int, str]:
    """Returns execution id -> name of its context of the given type."""
    return {
        execution.id: context.name
        for context in store.get_contexts_by_type(context_type)
        for execution in store.get_executions_by_context(context.id)
    }


def _path(event: mlmd.Event) -> list[tuple[str, int]]:
    """Returns the (key, index) pairs of an event: TFX writes them as alternating steps."""
    steps = list(event.path.steps)
    return [(key.key, index.index) for key, index in zip(steps[::2], steps[1::2], strict=False)]


def _artifact(proto: mlmd.Artifact) -> Artifact:
    return Artifact(
        id=proto.id,
        type=proto.type,
        uri=proto.uri,
        state=mlmd.Artifact.State.Name(proto.state).lower(),
        created_ms=proto.create_time_since_epoch,
        properties=_properties(proto),
    )


def _properties(proto: mlmd.Artifact | mlmd.Execution) -> dict[str, Any]:
    """Returns all properties in name order, without TFX's internal ones but the error."""
    values = {**proto.properties, **proto.custom_properties}
    if _EXECUTION_RESULT in values:
        values["execution_result"] = values[_EXECUTION_RESULT]
    return {key: _value(values[key]) for key in sorted(values) if not key.startswith("__")}


def _value(value: mlmd.Value) -> Any:
    kind = value.WhichOneof("value")
    if kind in ("struct_value", "proto_value"):
        return json_format.MessageToDict(getattr(value, kind))
    return _decoded(getattr(value, kind)) if kind else None


def _decoded(value: Any) -> Any:
    """Decodes JSON objects and lists kept as strings, at any depth; leaves the rest as it is."""
    if isinstance(value, dict):
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _decoded(json.loads(value))
        except json.JSONDecodeError:
            return value
    return value
