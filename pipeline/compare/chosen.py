"""The model that a run chose, and the executions that made it."""

from dataclasses import dataclass
from pathlib import Path

from components.errors import InputError
from components.evaluator.keys import (
    EXAMPLES,
    TRANSFORM_GRAPH,
    model_key,
    model_run_key,
    replicas_of,
)
from pipeline.lineage.records import Artifact, Execution, Run, Snapshot

_EVALUATOR = "Evaluator"
_MODEL = "model"
_BLESSING = "blessing"
_VARIANT = "variant"
_REASON = "reason"
_QUARANTINE = "schemas.Quarantine"
_INPUT_BASE = "input_base"


@dataclass(frozen=True)
class ChosenModel:
    """What a run chose.

    Attributes:
      root: the root folder of the run.
      run: the pipeline run.
      variant: the chosen one.
      num_replicas: compared variant -> how many were trained.
      steps: node -> the execution that did its work: for a cached step, that of an earlier run.
      model: of the first replica, the Model that its trainer wrote.
      model_run: of the first replica, with `training.json`.
      examples: the raw rows that were compared on.
      transform_graph: what transformed them.
      quarantine: with the counts of the raw rows; None where it is not known.
    """

    root: Path
    run: Run
    variant: str
    num_replicas: dict[str, int]
    steps: dict[str, Execution]
    model: Artifact
    model_run: Artifact
    examples: Artifact
    transform_graph: Artifact
    quarantine: Artifact | None

    @property
    def example_gen(self) -> Execution | None:
        """The step that read the log."""
        found = (step for step in self.steps.values() if _INPUT_BASE in step.properties)
        return next(found, None)


def find_chosen(snapshot: Snapshot, root: Path, run_id: str | None = None) -> ChosenModel:
    """Finds what a run chose.

    Args:
      snapshot: the database under `root`.
      root: the root folder.
      run_id: of the run, or its first characters; None takes the newest run that has compared its
        variants.

    Raises:
      InputError: if there is no such run, it has not compared its variants, or it chose none.
    """
    run, evaluator = _compared_run(snapshot, root, run_id)
    outputs = {link.key: snapshot.artifacts[link.artifact_id] for link in evaluator.outputs}
    variant = outputs[_MODEL].properties.get(_VARIANT)
    if variant is None:
        reason = outputs[_BLESSING].properties.get(_REASON, "") if _BLESSING in outputs else ""
        raise InputError(
            f"--root {root}: run {run.id} chose no variant, so there is no model to compare; --run "
            "names another one" + (f". The run says: {reason}" if reason else "")
        )
    # What a cached step has read is what the step read that did the work.
    comparing = snapshot.producer(outputs[_MODEL].id) or evaluator
    inputs = {link.key: snapshot.artifacts[link.artifact_id] for link in comparing.inputs}
    wanted = (EXAMPLES, TRANSFORM_GRAPH, model_key(variant, 0), model_run_key(variant, 0))
    missing = [key for key in wanted if key not in inputs]
    if missing:
        raise InputError(
            f"--root {root}: the Evaluator of run {run.id} has no input {', '.join(missing)}; "
            "expected a run of this version of the pipeline"
        )
    steps = _steps(snapshot, run)
    return ChosenModel(
        root=root,
        run=run,
        variant=variant,
        num_replicas=replicas_of(inputs),
        steps=steps,
        model=inputs[model_key(variant, 0)],
        model_run=inputs[model_run_key(variant, 0)],
        examples=inputs[EXAMPLES],
        transform_graph=inputs[TRANSFORM_GRAPH],
        quarantine=_quarantine(snapshot, inputs[EXAMPLES]),
    )


def _compared_run(snapshot: Snapshot, root: Path, run_id: str | None) -> tuple[Run, Execution]:
    known = [run.id for run in snapshot.runs]
    runs = [run for run in snapshot.runs if run_id is None or run.id.startswith(run_id)]
    exact = [run for run in runs if run.id == run_id]
    if run_id is not None and len(exact or runs) != 1:
        raise InputError(
            f"--run: {run_id!r} names {len(runs)} runs of {root}; expected one of "
            f"{', '.join(known) or 'none: no run is recorded'}"
        )
    for run in reversed(exact or runs):
        for execution in snapshot.run_executions(run.id):
            if execution.node == _EVALUATOR and execution.succeeded:
                return run, execution
    which = f"run {runs[0].id}" if run_id is not None else "no run"
    has_not = "has not" if run_id is not None else "has"
    raise InputError(f"--root {root}: {which} {has_not} compared its variants to the end")


def _steps(snapshot: Snapshot, run: Run) -> dict[str, Execution]:
    steps = {}
    for execution in snapshot.run_executions(run.id):
        if execution.succeeded:
            producers = (snapshot.producer(link.artifact_id) for link in execution.outputs)
            steps[execution.node] = next(filter(None, producers), execution)
    return steps


def _quarantine(snapshot: Snapshot, examples: Artifact) -> Artifact | None:
    """Returns what lies beside the examples."""
    producer = snapshot.producer(examples.id)
    links = producer.outputs if producer else ()
    artifacts = (snapshot.artifacts[link.artifact_id] for link in links)
    return next((item for item in artifacts if item.type == _QUARANTINE), None)
