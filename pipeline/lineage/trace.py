"""Which data, schema, code, configuration and seed made an artifact.

The walk goes upstream: from the artifact to the execution that wrote it, to what that execution
read, and so on. A model that the Evaluator chose has all variants' models upstream, since they
were compared; the summary names the trainer of the chosen one.
"""

from collections import deque
from typing import Any

from pipeline.lineage.data import data_document
from pipeline.lineage.records import Artifact, Execution, Snapshot
from pipeline.lineage.runs import PUSHED_DESTINATION
from pipeline.lineage.steps import step_config, step_document
from pipeline.lineage.views import artifact_view, execution_view, run_reference

_MODEL = "Model"
_SCHEMA = "Schema"
_TRANSFORM_GRAPH = "TransformGraph"
_VARIANT = "variant"
_TRAINER_PREFIX = "Trainer_"
_TFX_VERSION = "tfx_version"


def trace_document(snapshot: Snapshot, artifact: Artifact) -> dict[str, Any]:
    """Returns `{"subject", "summary", "lineage"}`.

    `lineage` is `{"artifacts": [...], "executions": [...]}` in id order; the executions' `inputs`
    and `outputs` hold the links between them.
    """
    executions = upstream(snapshot, artifact)
    linked = {link.artifact_id for execution in executions for link in execution.inputs}
    artifacts = [snapshot.artifacts[id_] for id_ in sorted(linked | {artifact.id})]
    in_order = sorted(executions, key=lambda execution: execution.id)
    return {
        "subject": artifact_view(snapshot, artifact),
        "summary": _summary(snapshot, artifact, executions, artifacts),
        "lineage": {
            "artifacts": [artifact_view(snapshot, item) for item in artifacts],
            "executions": [execution_view(snapshot, execution) for execution in in_order],
        },
    }


def upstream(snapshot: Snapshot, artifact: Artifact) -> list[Execution]:
    """Returns every execution that the artifact depends on, the nearest first."""
    queue = deque([artifact.id])
    seen_artifacts = {artifact.id}
    found: dict[int, Execution] = {}
    while queue:
        producer = snapshot.producer(queue.popleft())
        if producer is None or producer.id in found:
            continue
        found[producer.id] = producer
        for link in producer.inputs:
            if link.artifact_id not in seen_artifacts:
                seen_artifacts.add(link.artifact_id)
                queue.append(link.artifact_id)
    return list(found.values())


def _summary(
    snapshot: Snapshot, artifact: Artifact, executions: list[Execution], artifacts: list[Artifact]
) -> dict[str, Any]:
    trainers = [execution for execution in executions if _is_trainer(snapshot, execution)]
    trainer = _chosen_trainer(snapshot, artifact, executions, trainers)
    preprocessing = [
        step_document(execution)
        for execution in executions
        if _TRANSFORM_GRAPH in _types(snapshot, execution, "outputs")
    ]
    in_order = sorted(executions, key=lambda execution: execution.id)
    return {
        "pushed_to": artifact.properties.get(PUSHED_DESTINATION),
        "variant": trainer and _variant(trainer),
        "compared_variants": sorted({_variant(execution) for execution in trainers}),
        "seed": trainer and step_config(trainer).get("seed"),
        "trainer": trainer and step_document(trainer),
        "data": [
            data_document(snapshot, execution)
            for execution in in_order
            if "input_base" in execution.properties
        ],
        "schema": [_schema(snapshot, item) for item in artifacts if item.type == _SCHEMA],
        "preprocessing": next(iter(preprocessing), None),
        "steps": [step_document(execution) for execution in in_order],
        "tfx_versions": sorted(
            {
                str(item.properties[_TFX_VERSION])
                for item in artifacts
                if _TFX_VERSION in item.properties
            }
        ),
        "runs": [
            run_reference(run)
            for run in snapshot.runs
            if any(execution.run_id == run.id for execution in executions)
        ],
    }


def _types(snapshot: Snapshot, execution: Execution, side: str) -> set[str]:
    return {snapshot.artifacts[link.artifact_id].type for link in getattr(execution, side)}


def _is_trainer(snapshot: Snapshot, execution: Execution) -> bool:
    """A trainer writes a model and reads none; the Evaluator reads models and copies one."""
    writes = _MODEL in _types(snapshot, execution, "outputs")
    return writes and _MODEL not in _types(snapshot, execution, "inputs")


def _chosen_trainer(
    snapshot: Snapshot, artifact: Artifact, executions: list[Execution], trainers: list[Execution]
) -> Execution | None:
    """Returns the trainer of the nearest artifact that names its variant.

    Where nothing upstream names one, the only trainer there is; None if there are several.
    """
    outputs = [
        snapshot.artifacts[link.artifact_id]
        for execution in executions
        for link in execution.outputs
    ]
    named = [
        item.properties[_VARIANT] for item in (artifact, *outputs) if _VARIANT in item.properties
    ]
    if named:
        return next((item for item in trainers if _variant(item) == named[0]), None)
    return trainers[0] if len(trainers) == 1 else None


def _variant(trainer: Execution) -> str:
    return str(step_config(trainer).get(_VARIANT, trainer.node.removeprefix(_TRAINER_PREFIX)))


def _schema(snapshot: Snapshot, artifact: Artifact) -> dict[str, Any]:
    """Returns where a schema lies and what put it there; its text counts as code."""
    producer = snapshot.producer(artifact.id)
    step = step_document(producer) if producer else {}
    return {
        "id": artifact.id,
        "uri": artifact.uri,
        "node": step.get("node"),
        "code_version": step.get("code_version"),
    }
