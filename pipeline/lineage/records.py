"""What ML Metadata holds, as plain records.

TFX's words: an execution is one run of one step (node) in one pipeline run. Events link it to
the artifacts that it read and wrote. A cached execution (state `cached`) writes nothing: its
output events point at the artifacts of an earlier execution (state `complete`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

COMPLETE = "complete"
CACHED = "cached"
FAILED_STATES = ("failed", "canceled")
RUNNING_STATES = ("new", "running")


@dataclass(frozen=True)
class Artifact:
    """Something that a step wrote or imported.

    Attributes:
      id: the id in the database.
      type: the artifact type's name, for example `Model`.
      uri: where it lies.
      state: ML Metadata's state in lower case, for example `live`.
      created_ms: milliseconds since 1970, UTC.
      properties: type properties and custom properties, JSON strings decoded.
    """

    id: int
    type: str
    uri: str
    state: str
    created_ms: int
    properties: dict[str, Any]


@dataclass(frozen=True)
class Link:
    """One artifact under one input or output key of an execution."""

    key: str
    artifact_id: int


@dataclass(frozen=True)
class Execution:
    """One run of one step.

    Attributes:
      id: the id in the database.
      type: the component's class, dotted.
      node: the node id in the pipeline, for example `Trainer_full`.
      run_id: the pipeline run.
      state: ML Metadata's state in lower case, for example `complete` or `cached`.
      started_ms: milliseconds since 1970, UTC.
      updated_ms: time of the last change; for an ended execution, its end.
      properties: the execution properties, JSON strings decoded.
      inputs: input links in key order.
      outputs: output links in key order.
    """

    id: int
    type: str
    node: str
    run_id: str
    state: str
    started_ms: int
    updated_ms: int
    properties: dict[str, Any]
    inputs: tuple[Link, ...]
    outputs: tuple[Link, ...]

    @property
    def succeeded(self) -> bool:
        """True if its outputs exist: it ran to its end or took cached ones."""
        return self.state in (COMPLETE, CACHED)


@dataclass(frozen=True)
class Origin:
    """How a run was started.

    Attributes:
      command: the command line from the script's name on; what looks like a secret is hidden.
      commit: of the checkout; None if it is no git checkout or git is missing.
      has_local_changes: whether its files differ from the commit, new ones included; None likewise.
    """

    command: str
    commit: str | None = None
    has_local_changes: bool | None = None


@dataclass(frozen=True)
class Run:
    """One pipeline run; its `origin` is None where the runner recorded none."""

    id: str
    pipeline: str
    created_ms: int
    origin: Origin | None = None


@dataclass(frozen=True)
class Snapshot:
    """The database at one moment; every collection is in id (time) order."""

    artifacts: dict[int, Artifact]
    executions: dict[int, Execution]
    runs: tuple[Run, ...]

    def producer(self, artifact_id: int) -> Execution | None:
        """Returns the execution that wrote the artifact.

        That is the first one that has it as an output: later ones are cached and point at it.
        """
        return self._producers.get(artifact_id)

    def consumers(self, artifact_id: int) -> list[Execution]:
        """Returns the executions that read the artifact."""
        return [
            execution
            for execution in self.executions.values()
            if any(link.artifact_id == artifact_id for link in execution.inputs)
        ]

    def origin(self, run_id: str) -> Origin | None:
        """Returns how a run was started, if it is known."""
        return next((run.origin for run in self.runs if run.id == run_id), None)

    def run_executions(self, run_id: str) -> list[Execution]:
        """Returns the executions of one pipeline run."""
        return [execution for execution in self.executions.values() if execution.run_id == run_id]

    @cached_property
    def _producers(self) -> dict[int, Execution]:
        producers: dict[int, Execution] = {}
        for execution in self.executions.values():
            for link in execution.outputs:
                producers.setdefault(link.artifact_id, execution)
        return producers
