"""The rows that a network is evaluated on while it is trained."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from components import parquet
from components.trainer.config import TrainerConfig
from components.trainer.data import evenly_spread
from components.trainer.devices import Devices
from components.trainer.evaluation import Evaluation
from components.trainer.model import Dlrm

Figures = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class EvaluatedRows:
    """What computes the figures of a network as it is, see `Evaluation`.

    Attributes:
      held_out: on rows that are not trained on.
      trained_on: on rows that are; None if nobody asked for it.
    """

    held_out: Figures
    trained_on: Figures | None = None

    @classmethod
    def of_training(
        cls,
        network: Dlrm,
        config: TrainerConfig,
        devices: Devices,
        train_files: Sequence[str],
        validation_files: Sequence[str],
        eval_files: Sequence[str],
        scratch_dir: str,
    ) -> "EvaluatedRows | None":
        """Makes them, or returns None if the configuration asks for no evaluation.

        Rows without a click are missing from the rows that are trained on as they are from the
        validation rows: both are judged as the served model would be on the log as it was.

        Args:
          network: to evaluate.
          config: of its training.
          devices: those that it was made on.
          train_files: transformed Parquet files.
          validation_files: evaluated on if there are any.
          eval_files: evaluated on if not.
          scratch_dir: on this machine; must stay as long as the evaluations.
        """

        def on(files: Sequence[str], are_sampled: bool) -> Evaluation:
            return Evaluation(network, config, files, are_sampled, devices, with_metrics=True)

        if not config.evals_per_epoch:
            return None
        held_out = on(validation_files or eval_files, bool(validation_files))
        if not config.train_eval_rows:
            return cls(held_out)
        sample = write_train_eval_rows(train_files, config.train_eval_rows, scratch_dir)
        return cls(held_out, on([sample], True))


def write_train_eval_rows(files: Sequence[str], num_rows: int, folder: str) -> str:
    """Writes a sample of the rows into one file, and returns its path.

    The rows lie at even distances in up to 16 files, which are themselves spread evenly over the
    list: no seed decides them, and no large split is read whole.

    Args:
      files: transformed Parquet files.
      num_rows: how many rows to take at most.
      folder: on this machine.
    """
    files = evenly_spread(files)
    sizes = [parquet.count_rows(path) for path in files]
    num_taken = min(num_rows, sum(sizes))
    places = np.arange(num_taken, dtype=np.int64) * sum(sizes) // num_taken
    starts = np.cumsum([0, *sizes])
    parts = []
    for path, start, end in zip(files, starts, starts[1:], strict=False):
        own = places[(places >= start) & (places < end)] - start
        if len(own):
            parts.append(parquet.read_table(path).take(own))
    path = os.path.join(folder, f"train_eval{parquet.SUFFIX}")
    parquet.write_table(pa.concat_tables(parts), path)
    return path
