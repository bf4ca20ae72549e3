"""The training loop."""

import math
import time
from collections import deque
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.errors import InputError
from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from components.trainer.model import Dlrm
from components.trainer.train_step import TrainStep
from components.training_record import TrainingSummary

_REPORT_SECONDS = 0.5
_FINAL_LOSS_STEPS = 100


class _Watch:
    """Reads the losses, reports progress, and stops a run whose loss is not a number.

    Attributes:
      num_read: the steps whose loss was read.
      last_losses: those of the last 100 of them, nats.
    """

    def __init__(self, config: TrainerConfig, num_steps: int) -> None:
        self._config = config
        self._num_steps = num_steps
        self._unread: list[tf.Tensor] = []
        self._reported_seconds = time.monotonic()
        self.num_read = 0
        self.last_losses: deque[float] = deque(maxlen=_FINAL_LOSS_STEPS)

    def add(self, loss: tf.Tensor, epoch: int, examples_per_second: float) -> None:
        """Takes one step's loss; says something at most twice a second."""
        self._unread.append(loss)
        now = time.monotonic()
        if now - self._reported_seconds >= _REPORT_SECONDS:
            self._reported_seconds = now
            self.read()
            report(
                f"epoch {epoch}/{self._config.epochs}, "
                f"step {self.num_read}/{self._num_steps}, loss {self.last_losses[-1]:.4f}, "
                f"{examples_per_second:,.0f} examples/s"
            )

    def read(self) -> None:
        """Fetches the losses; they stay on the device until here, so steps are not held up."""
        for loss in map(float, self._unread):
            self.num_read += 1
            self.last_losses.append(loss)
            if not math.isfinite(loss):
                raise InputError(
                    f"the loss of variant {self._config.variant} is {loss} at step "
                    f"{self.num_read}: lower dense_optimizer.learning_rate "
                    f"({self._config.dense_optimizer.learning_rate}) and "
                    "embedding_optimizer.learning_rate "
                    f"({self._config.embedding_optimizer.learning_rate}), or look for values in "
                    "the data that are not finite"
                )
        self._unread.clear()


class _Stopwatch:
    """Times the steps, and keeps the first one, which prepares the graph, apart."""

    def __init__(self) -> None:
        self._start_seconds = self._first_seconds = time.monotonic()
        self._num_rows = self._first_rows = 0

    def add(self, num_rows: int) -> None:
        """Takes the rows of one step that has just ended."""
        if self._num_rows == 0:
            self._first_rows = num_rows
            self._first_seconds = time.monotonic()
        self._num_rows += num_rows

    def seconds(self) -> float:
        """Returns the time of all steps."""
        return time.monotonic() - self._start_seconds

    def examples_per_second(self) -> float:
        """Returns the rate after the first step; with one step, the rate of that."""
        if self._num_rows == self._first_rows:
            return self._num_rows / self.seconds()
        rows = self._num_rows - self._first_rows
        return rows / (time.monotonic() - self._first_seconds)


def train(
    network: Dlrm, config: TrainerConfig, files: Sequence[str], num_rows: int
) -> TrainingSummary:
    """Trains a network in place.

    The same network, configuration and files give the same weights on one CPU.

    Args:
      network: its variables are updated.
      config: how to train.
      files: transformed Parquet files.
      num_rows: in all of them.

    Raises:
      InputError: if the loss is not finite.
    """
    steps_per_epoch = math.ceil(num_rows / config.batch_size)
    num_steps = config.epochs * steps_per_epoch
    datasets = [
        make_dataset(files, config.batch_size, config.shuffle_window_rows, (config.seed, epoch))
        for epoch in range(config.epochs)
    ]
    start_seconds = time.monotonic()
    step = tf.function(TrainStep(network, config, num_steps), autograph=False)
    step = step.get_concrete_function(datasets[0].element_spec)
    trace_seconds = time.monotonic() - start_seconds

    watch, stopwatch = _Watch(config, num_steps), _Stopwatch()
    for epoch, dataset in enumerate(datasets, start=1):
        rows_left = num_rows
        for batch in dataset:
            loss = step(batch)
            stopwatch.add(min(rows_left, config.batch_size))
            rows_left -= config.batch_size
            watch.add(loss, epoch, stopwatch.examples_per_second())
    watch.read()
    return TrainingSummary(
        train_steps=watch.num_read,
        trace_seconds=trace_seconds,
        train_seconds=stopwatch.seconds(),
        train_examples_per_second=stopwatch.examples_per_second(),
        final_train_loss=float(np.mean(watch.last_losses)),
    )
