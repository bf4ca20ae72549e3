"""Which step of a training lies where: epochs, rows, evaluations."""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from components.trainer.config import TrainerConfig


@dataclass(frozen=True)
class TrainingPlan:
    """The steps of a training, counted from 1; "after step 0" is its start.

    Attributes:
      config: how to train.
      num_rows: of an epoch.
    """

    config: TrainerConfig
    num_rows: int

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one pass over the rows; the last one may have fewer rows."""
        return math.ceil(self.num_rows / self.config.batch_size)

    @property
    def num_steps(self) -> int:
        """Steps of the whole training."""
        return self.config.epochs * self.steps_per_epoch

    def resets_tables_after(self, step: int) -> bool:
        """Whether the tables start anew between `step` and the next one."""
        is_later_epoch = step > 0 and step % self.steps_per_epoch == 0
        return self.config.reset_tables and is_later_epoch

    def num_examples(self, step: int) -> int:
        """Returns the rows of the first `step` steps; a row counts once an epoch."""
        epochs, steps = divmod(step, self.steps_per_epoch)
        return epochs * self.num_rows + min(steps * self.config.batch_size, self.num_rows)

    @cached_property
    def evaluated_steps(self) -> tuple[int, ...]:
        """The steps that an evaluation follows, in order.

        They cut an epoch into `evals_per_epoch` parts of equal size; the last one ends with it.
        """
        parts = min(self.config.evals_per_epoch, self.steps_per_epoch)
        of_epoch = [-(-part * self.steps_per_epoch // parts) for part in range(1, parts + 1)]
        starts = range(0, self.num_steps, self.steps_per_epoch)
        return tuple(start + step for start in starts for step in of_epoch)

    def next_evaluation(self, step: int) -> int | None:
        """Returns the first evaluated step after `step`."""
        index = bisect.bisect_right(self.evaluated_steps, step)
        return self.evaluated_steps[index] if index < len(self.evaluated_steps) else None

    def next_maintenance(self, step: int, maintenance: Sequence[float]) -> int | None:
        """Returns the first step after `step` that maintenance follows.

        Args:
          step: the steps before it.
          maintenance: the fractions of the training after which it is due.
        """
        return min((s for s in map(self.step_at, maintenance) if s > step), default=None)

    def due_maintenance(self, step: int, maintenance: Sequence[float]) -> list[float]:
        """Returns those fractions of the training that `step` ends, in order."""
        return [progress for progress in maintenance if self.step_at(progress) == step]

    def step_at(self, progress: float) -> int:
        """Returns the step that ends a fraction of the training; at least the first one."""
        return max(1, math.ceil(progress * self.num_steps))
