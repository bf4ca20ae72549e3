"""What a run on a server is doing, whatever the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"
SKIPPED = "cached"
_ENDED = (SUCCEEDED, FAILED, CANCELLED, SKIPPED)


@dataclass(frozen=True)
class TaskState:
    """One step of a run.

    Attributes:
      name: the step's id.
      state: `pending`, `running`, `succeeded`, `cached`, `failed`, `cancelled` and so on.
      seconds: since its start, or between start and end; None before.
      error: what it failed of; empty otherwise.
      outputs: key -> uri of what it has written, as far as the server tells.
    """

    name: str
    state: str
    seconds: float | None = None
    error: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in _ENDED


@dataclass(frozen=True)
class RunState:
    """A run.

    Attributes:
      id: what `status` and `cancel` are given.
      state: as of a task.
      created: when, as text; empty if the server does not tell.
      link: its page.
      error: what it failed of; empty otherwise.
      tasks: in the order in which they started, as far as the server tells.
    """

    id: str
    state: str
    created: str
    link: str
    error: str = ""
    tasks: tuple[TaskState, ...] = ()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in _ENDED

    def task(self, step: str) -> TaskState | None:
        """Returns a step; None if the server does not name it yet."""
        return next((task for task in self.tasks if task.name == step), None)

    def output_uri(self, step: str, key: str) -> str | None:
        """Returns where a step has written an output; None before."""
        task = self.task(step)
        return task.outputs.get(key) if task else None

    def failure(self) -> str:
        """Returns why it did not succeed, with the steps that failed and its page."""
        steps = "; ".join(
            f"step {task.name}: {task.error or task.state}"
            for task in self.tasks
            if task.state == FAILED
        )
        said = steps or self.error or "no reason given"
        return f"{self.id} {self.state}: {said}; logs: {self.link}"


def render_task(task: TaskState, width: int) -> str:
    """Returns one line: name, seconds, state, error."""
    seconds = "" if task.seconds is None else f"{task.seconds:7.1f} s"
    error = f": {task.error}" if task.error else ""
    return f"  {task.name:<{width}} {seconds:>9}  {task.state}{error}"


def render_run(run: RunState) -> str:
    """Returns a run's lines: its state, its tasks, its errors, its link."""
    width = max((len(task.name) for task in run.tasks), default=0)
    lines = [f"{run.id}  {run.state}  {run.created}".rstrip()]
    lines += [render_task(task, width) for task in run.tasks]
    lines += [f"error  {run.error}"] if run.error else []
    return "\n".join([*lines, f"link   {run.link}"])


def render_runs(runs: list[RunState]) -> str:
    """Returns one line for each run, the newest first as given."""
    if not runs:
        return "no runs of this pipeline"
    width = max(len(run.id) for run in runs)
    return "\n".join(f"{run.id:<{width}}  {run.state:<10}  {run.created}" for run in runs)
