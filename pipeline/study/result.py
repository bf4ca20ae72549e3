"""What a study brought, before it becomes tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.evaluator.comparison import Comparison
from components.evaluator.metric_result import MetricResult
from components.training_record import TrainingRecord
from pipeline.study.cells import Cell, Group
from pipeline.study.journal import Timing

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class Training:
    """One seed of a cell.

    Attributes:
      status: how it ended.
      error: why it failed or was skipped; None if it is done.
      record: what the trainer wrote; None unless it is done.
      timing: how long it took beside how many others; None unless it is done, or if the study
        does not know any more.
    """

    status: Status
    error: str | None = None
    record: TrainingRecord | None = None
    timing: Timing | None = None


@dataclass(frozen=True)
class GroupResult:
    """What the cells of a group brought.

    Attributes:
      group: the cells.
      trainings: cell's name -> its seeds in order.
      dataset_bytes: of the raw lines of its rows; None if they could not be read.
      comparison: of the cells of which every seed is done; None if there is none.
      metrics: cell's name -> its metrics where they are not those of `comparison`: beside the
        baseline of another group, which has the same eval rows, or with p-values that are adjusted
        for the whole dataset.
      baseline: the cell that the cells are compared with; None without a comparison.
      error: why the rows could not be prepared or the cells not be compared; None otherwise.
    """

    group: Group
    trainings: Mapping[str, tuple[Training, ...]]
    dataset_bytes: int | None = None
    comparison: Comparison | None = None
    metrics: Mapping[str, Mapping[str, MetricResult]] = field(default_factory=dict)
    baseline: Cell | None = None
    error: str | None = None

    def complete_cells(self) -> list[Cell]:
        """Returns the cells of which every seed is done."""
        return [
            cell
            for cell in self.group.cells
            if all(training.status == "done" for training in self.trainings[cell.name])
        ]

    def compared_cells(self) -> list[Cell]:
        """Returns the complete cells if there is a comparison, the baseline among them."""
        return [] if self.comparison is None or self.baseline is None else self.complete_cells()

    def metrics_of(self, cell: Cell) -> Mapping[str, MetricResult]:
        """Returns the metrics of a cell of `compared_cells`."""
        assert self.comparison is not None
        return self.metrics.get(cell.name) or self.comparison.variant(cell.name).metrics


@dataclass(frozen=True)
class StudyResult:
    """All groups, in the study's order."""

    groups: tuple[GroupResult, ...]

    def count(self, status: Status) -> int:
        """Returns how many trainings ended so."""
        return sum(
            training.status == status
            for group in self.groups
            for trainings in group.trainings.values()
            for training in trainings
        )
