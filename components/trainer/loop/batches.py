"""The batches of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.trainer.curriculum import Curriculum, Frequencies
from components.trainer.data import make_dataset
from components.trainer.devices import Devices
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.train_step import TrainStep


@dataclass(frozen=True)
class Batches:
    """The batches of a training; seed and epoch decide their order.

    Attributes:
      files: transformed Parquet files.
      plan: of the training.
      devices: that take them.
      train_step: prepares them.
      frequencies: of the ids, for the configured curriculum.
      teacher_files: as `iterate_chunks`.
    """

    files: Sequence[str]
    plan: TrainingPlan
    devices: Devices
    train_step: TrainStep
    frequencies: Frequencies | None = None
    teacher_files: Sequence[str] = ()

    def after_step(self, step: int) -> Any:
        """Returns an iterator over those that are left of the epoch after `step`."""
        config = self.plan.config
        epoch, num_skipped = divmod(step, self.plan.steps_per_epoch)
        dataset = make_dataset(
            self.files,
            config.batch_size,
            config.shuffle_window_rows,
            (config.seed, epoch),
            self.teacher_files,
            self._curriculum() if epoch == 0 else None,
        )
        if num_skipped:
            dataset = dataset.skip(num_skipped)
        return iter(self.devices.distribute(dataset, self.train_step.prepare))

    def _curriculum(self) -> Curriculum | None:
        if self.frequencies is None:
            return None
        config = self.plan.config
        num_steps = round(config.curriculum.fraction * self.plan.steps_per_epoch)
        is_rare_first = config.curriculum.order == "rare_first"
        return Curriculum(self.frequencies, is_rare_first, num_steps * config.batch_size)
