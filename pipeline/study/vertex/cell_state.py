"""How the cells of a study on Vertex AI are doing, and how that is shown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.study.text import aligned
from pipeline.study.vertex.cell_runs import CellRun
from pipeline.vertex.runs.run_state import SUCCEEDED, RunState

WAITING = "waiting"
NOT_SUBMITTED = "not submitted"


@dataclass(frozen=True)
class CellState:
    """A cell and its run.

    Attributes:
      cell_run: what is run.
      run: as Vertex AI tells it; None if it is not submitted.
      blocked: why it is not going to be submitted; empty otherwise.
    """

    cell_run: CellRun
    run: RunState | None = None
    blocked: str = ""

    @property
    def state(self) -> str:
        """In one or two words."""
        if self.run is not None:
            return self.run.state
        return NOT_SUBMITTED if self.blocked else WAITING

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return bool(self.blocked) or (self.run is not None and self.run.has_ended)

    @property
    def has_succeeded(self) -> bool:
        """Whether its run did."""
        return self.state == SUCCEEDED

    @property
    def error(self) -> str:
        """Why it has ended without success; empty otherwise."""
        if self.run is None or not self.has_ended or self.has_succeeded:
            return self.blocked
        return self.run.failure()


def render_states(states: Sequence[CellState]) -> str:
    """Returns a table of the cells, what failed, and how many are in which state."""
    rows = [("cell", "state", "run", "steps")]
    for each in states:
        rows.append(
            (each.cell_run.cell.id, each.state, each.run.id if each.run else "", _steps(each))
        )
    errors = [f"{each.cell_run.cell.id}: {each.error}" for each in states if each.error]
    counts = Counter(each.state for each in states)
    summary = ", ".join(f"{number} {state}" for state, number in counts.items())
    return "\n".join([*aligned(rows), "", *errors, f"{len(states)} cells: {summary}"])


def _steps(state: CellState) -> str:
    if state.run is None:
        leader = state.cell_run.leader
        return f"after {leader.id}" if leader and not state.blocked else ""
    if state.run.has_ended or not state.run.tasks:
        return ""
    ended = sum(task.has_ended for task in state.run.tasks)
    running = ", ".join(task.name for task in state.run.tasks if task.state == "running")
    return f"{ended} of {len(state.run.tasks)}{': ' if running else ''}{running}"
