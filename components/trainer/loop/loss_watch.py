"""Reads the losses of a training, logs them, and stops it when they make no sense."""

import math

import tensorflow as tf

from components.trainer.learning_rates import LearningRates
from components.trainer.loop.divergence import DivergedError
from components.trainer.loop.training_logs import TrainingLogs
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState

_ADVICE = "lower them, set gradient_clip_norm, or look for extreme values in the data"


class LossWatch:
    """Takes the loss of every step, and looks at many of them at a time."""

    def __init__(
        self,
        state: TrainingState,
        plan: TrainingPlan,
        learning_rates: LearningRates,
        logs: TrainingLogs,
    ) -> None:
        """Takes where the losses go.

        Args:
          state: its `losses` are updated.
          plan: of the training.
          learning_rates: of the training.
          logs: take the points of the loss curve.
        """
        self._state = state
        self._plan = plan
        self._learning_rates = learning_rates
        self._logs = logs
        self._num_logged = len(state.losses.points)
        self._unread: list[tf.Tensor] = []

    def add(self, losses: tf.Tensor) -> None:
        """Takes the losses of one or more steps, float32; they stay on the device until `read`."""
        self._unread.append(losses)

    def read(self) -> None:
        """Fetches the losses that were added.

        Raises:
          DivergedError: if one is not finite, or the training diverges; names the step and its
            learning rates.
        """
        history = self._state.losses
        variant = self._plan.config.variant
        for loss in [loss for losses in self._unread for loss in losses.numpy().ravel().tolist()]:
            if not math.isfinite(loss):
                where = self._learning_rates.describe(history.num_steps + 1)
                raise DivergedError(f"the loss of variant {variant} is {loss} {where}: {_ADVICE}")
            history.add(loss, self._plan)
            if history.divergence.add(loss):
                where = self._learning_rates.describe(history.num_steps)
                raise DivergedError(
                    f"the loss of variant {variant} diverges {where}: "
                    f"{history.divergence.describe()}; {_ADVICE}"
                )
        self._unread.clear()

    def log(self) -> None:
        """Logs the new points of the loss curve."""
        points = self._state.losses.points
        for point in points[self._num_logged :] if self._logs.are_written else ():
            dense, tables = self._learning_rates.at_step(point.step)
            values = {
                "loss": point.loss,
                "learning_rate/dense": dense,
                "learning_rate/embeddings": tables,
                "examples_per_second": self._state.stopwatch.examples_per_second(),
            }
            self._logs.train_scalars(point.step, values)
        self._num_logged = len(points)
