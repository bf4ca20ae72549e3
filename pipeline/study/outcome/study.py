"""A study as objects: cells, their trainings, and who is compared with whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

BASELINE = "baseline"
SIGNIFICANCE = 0.05
METRICS = ("auc_roc", "logloss", "accuracy", "precision", "recall", "f1")
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class Interval(NamedTuple):
    """A number with the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether all of the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


class Group(NamedTuple):
    """Cells that are drawn together: the same rows, architecture and device."""

    dataset: str
    architecture: str
    device: str


@dataclass(frozen=True)
class Key:
    """What a cell is, as both tables name it."""

    cell: str
    dataset: str
    dataset_bytes: int | None
    num_train_rows: int | None
    architecture: str
    variant: str
    method: str
    value: str
    device: str

    @property
    def group(self) -> Group:
        """The rows, the architecture and the device."""
        return Group(self.dataset, self.architecture, self.device)

    @property
    def setting(self) -> str:
        """The method with its value, `batch_size 512`, or `baseline`."""
        return f"{self.method} {self.value}".rstrip()


@dataclass(frozen=True)
class Cell(Key):
    """A row of `finals`: what a cell reached over its seeds.

    Attributes:
      baseline: the cell it is compared with; None, or itself, if with none.
      num_seeds: trainings that were done.
      metrics: metric -> value with its interval over rows and seeds.
      differences: metric -> this cell minus `baseline`, paired, with its interval.
      p_values: metric -> p of no difference, two-sided, adjusted for all comparisons on its dataset
        (Holm 1979).
      embedding_bytes: of the exported tables.
      train_seconds: of a training, the median over seeds.
      train_examples_per_second: likewise.
      best_auc_roc: what the best possible model would reach; None where it is not known.
    """

    baseline: str | None
    num_seeds: int
    metrics: Mapping[str, Interval]
    differences: Mapping[str, Interval]
    p_values: Mapping[str, float]
    embedding_bytes: float | None
    train_seconds: float | None
    train_examples_per_second: float | None
    best_auc_roc: float | None


@dataclass(frozen=True)
class Run(Key):
    """The rows of `curves` of one cell and seed: a training, or why there is none.

    Attributes:
      status: `"done"`, `"failed"` or `"skipped"`.
      error: why it is not done.
      step: optimizer steps before each evaluation, float64 `[num_evaluations]`.
      epoch: passes over the train rows until then, likewise.
      seconds: training time until then, likewise.
      curves: `"train_<metric>"` or `"eval_<metric>"` -> its values, NaN where unknown, likewise.
    """

    seed: int
    status: str
    error: str | None
    num_eval_rows: int | None
    batch_size: float | None
    dense_learning_rate: float | None
    embedding_learning_rate: float | None
    epochs: float | None
    embedding_bytes: float | None
    num_parameters: float | None
    train_seconds: float | None
    train_examples_per_second: float | None
    num_cores: float | None
    parallel_cells: int | None
    step: FloatArray
    epoch: FloatArray
    seconds: FloatArray
    curves: Mapping[str, FloatArray]

    @property
    def seconds_per_pass(self) -> float | None:
        """Seconds of one pass over the train rows, by the last evaluation; None if unknown."""
        if not len(self.epoch) or not self.epoch[-1] > 0 or not self.seconds[-1] > 0:
            return None
        return float(self.seconds[-1] / self.epoch[-1])

    @property
    def is_done(self) -> bool:
        """Whether the training came to its end."""
        return self.status == "done"


@dataclass(frozen=True)
class Study:
    """All of a study.

    Attributes:
      cells: those with at least one training that was done, smallest dataset first.
      runs: all trainings, in the same order, with those that failed or were skipped.
    """

    cells: tuple[Cell, ...]
    runs: tuple[Run, ...]

    def runs_of(self, cell: str) -> tuple[Run, ...]:
        """Returns the trainings of a cell that were done."""
        return tuple(run for run in self.runs if run.cell == cell and run.is_done)

    def find(self, cell: str | None) -> Cell | None:
        """Returns the cell of this name; None if it has no training that was done."""
        return next((found for found in self.cells if found.cell == cell), None)

    def baseline_of(self, cell: Cell) -> Cell | None:
        """Returns the cell that this one is compared with; None if with none."""
        return None if cell.baseline == cell.cell else self.find(cell.baseline)

    def without_method(self, cell: Cell) -> Cell | None:
        """Returns the cell that is the same but for the method."""
        same = (cell.group, cell.variant, BASELINE)
        return next((c for c in self.cells if (c.group, c.variant, c.method) == same), None)

    def changes_of(self, cell: Cell) -> tuple[str, ...]:
        """Returns in what a cell differs from the one it is compared with.

        Returns:
          some of `"architecture"`, `"variant"`, `"device"` and `"method"`; nothing if it is
          compared with none.
        """
        baseline = self.baseline_of(cell)
        if baseline is None:
            return ()
        names = {"architecture": "architecture", "variant": "variant", "device": "device"}
        names["method"] = "setting"
        return tuple(n for n, a in names.items() if getattr(cell, a) != getattr(baseline, a))

    def shows_method(self, cell: Cell) -> bool:
        """Returns whether a cell is compared with the same cell without its method."""
        baseline = self.baseline_of(cell)
        is_without = baseline is not None and baseline.method == BASELINE
        return is_without and self.changes_of(cell) == ("method",)

    def is_clear(self, cell: Cell, metric: str = "auc_roc") -> bool:
        """Returns whether a cell's difference to its baseline is more than chance.

        That is: the interval does not hold 0, and p, where there is one, is below 0.05.
        """
        found = cell.differences.get(metric)
        if found is None or self.baseline_of(cell) is None:
            return False
        return found.excludes_zero and cell.p_values.get(metric, 0.0) < SIGNIFICANCE

    def root_of(self, cell: Cell) -> Cell:
        """Returns the cell that is compared with none, and that this one goes back to."""
        seen = {cell.cell}
        while (next_cell := self.baseline_of(cell)) and next_cell.cell not in seen:
            cell = next_cell
            seen.add(cell.cell)
        return cell

    def variants_of(self, group: Group) -> tuple[Cell, ...]:
        """Returns the cells of a group without any method, the baseline's variant first."""
        cells = [cell for cell in self.cells if cell.group == group and cell.method == BASELINE]
        return tuple(sorted(cells, key=lambda cell: self.variants.index(cell.variant)))

    def methods_of(self, group: Group) -> tuple[Cell, ...]:
        """Returns the cells of a group with a method."""
        return tuple(c for c in self.cells if c.group == group and c.method != BASELINE)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups, smallest dataset first."""
        return unique(cell.group for cell in self.cells)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The dataset versions, the smallest first."""
        return unique(cell.dataset for cell in self.cells)

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures."""
        return unique(sorted(cell.architecture for cell in self.cells))

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices."""
        return unique(sorted(cell.device for cell in self.cells))

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants: those that others are compared with first, then by name."""
        roots = {self.root_of(cell).variant for cell in self.cells}
        return unique(sorted((c.variant for c in self.cells), key=lambda v: (v not in roots, v)))


def unique(values: Iterable[Any]) -> tuple[Any, ...]:
    """Returns each value once, in the order in which they first come."""
    return tuple(dict.fromkeys(values))


def number_of(text: str) -> float | None:
    """Returns the number that a hyperparameter's value is; None if it is none."""
    try:
        return float(text)
    except ValueError:
        return None
