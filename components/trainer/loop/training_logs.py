"""Logs of a training for TensorBoard."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from components.training_record import EvalPoint

_TRAIN, _EVAL = "train", "eval"
_MAX_HISTOGRAM_VALUES = 20_000
_PROFILED_AFTER_STEP = 10


class TrainingLogs:
    """Writes event files and profiler traces; `tensorboard --logdir` over any folder above works.

    Training and evaluation are two runs, `train` and `eval`, so a tag that both have, `loss`, is
    one chart. The protos are made by TensorBoard's own functions for NumPy: its TensorFlow
    operations take 100 ms a histogram.
    """

    def __init__(self, folder: str | None, profile_steps: int = 0) -> None:
        """Makes no file.

        Args:
          folder: where the logs go; None writes none.
          profile_steps: how many steps are traced by TensorFlow's profiler.
        """
        self._folder = folder
        self._writers: dict[str, tf.summary.SummaryWriter] = {}
        start = _PROFILED_AFTER_STEP
        self._profiled = (start, start + profile_steps) if profile_steps else None
        self._is_profiling = False

    @property
    def are_written(self) -> bool:
        """Whether there is a folder for them."""
        return self._folder is not None

    def train_scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes what is known after training step `step`, by tag."""
        self._write(_TRAIN, step, [scalar_pb(tag, value) for tag, value in values.items()])

    def evaluation(self, point: EvalPoint) -> None:
        """Writes what an evaluation gave; all is on disk then.

        The figures on rows that are trained on have the same tags in the run `train`, so a chart
        shows both curves. The tag `loss` is there the loss of the steps, so they have `logloss`.
        """
        values = {"loss": point.logloss, "logloss": point.logloss, **point.metrics}
        self._write(_EVAL, point.step, [scalar_pb(tag, value) for tag, value in values.items()])
        self.train_scalars(point.step, point.train_metrics)
        self.flush()

    def histograms(self, step: int, variables: Sequence[tf.Variable]) -> None:
        """Writes the distribution of the values of each variable.

        Of a variable with more than 20,000 values, rows at even distances are taken: no table is
        read whole.
        """
        if not self.are_written:
            return
        protos = []
        for index, variable in enumerate(variables):
            # Keras numbers layers through the process: only the last part is the same in each run.
            name = variable.name.partition(":")[0].rpartition("/")[2]
            tag = f"weights/{index:02d}_{name}"
            protos.append(histogram_pb(tag, _sample(variable)))
        self._write(_TRAIN, step, protos)

    def next_profile_step(self, step: int) -> int | None:
        """Returns the first step after `step` at which `profile` has something to do.

        It does not depend on the folder: workers without one must pause where the chief does.
        """
        return min((edge for edge in self._profiled or () if edge > step), default=None)

    def profile(self, step: int) -> None:
        """Starts the profiler after step 10, and stops it after the last step that is traced."""
        if self._profiled is None or self._folder is None:
            return
        if step == self._profiled[0]:
            tf.profiler.experimental.start(os.path.join(self._folder, _TRAIN))
            self._is_profiling = True
        elif self._is_profiling and step >= self._profiled[1]:
            self._stop_profiler()

    def flush(self) -> None:
        """Writes what is still in memory."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Ends all logs."""
        if self._is_profiling:
            self._stop_profiler()
        for writer in self._writers.values():
            writer.close()

    def _stop_profiler(self) -> None:
        tf.profiler.experimental.stop()
        self._is_profiling = False

    def _write(self, run: str, step: int, protos: Sequence[Any]) -> None:
        if not self._folder:
            return
        if run not in self._writers:
            self._writers[run] = tf.summary.create_file_writer(os.path.join(self._folder, run))
        with self._writers[run].as_default():
            for proto in protos:
                tf.summary.experimental.write_raw_pb(proto.SerializeToString(), step)


def _sample(variable: tf.Variable) -> np.ndarray:
    """Returns the values of rows at even distances, at most 20,000 values; all, if not more."""
    num_values = int(np.prod(variable.shape))
    if num_values <= _MAX_HISTOGRAM_VALUES:
        return variable.numpy().ravel()
    num_rows = variable.shape[0]
    taken_rows = max(_MAX_HISTOGRAM_VALUES * num_rows // num_values, 1)
    rows = np.linspace(0, num_rows - 1, taken_rows).round().astype(np.int64)
    return tf.gather(variable, rows).numpy().ravel()
