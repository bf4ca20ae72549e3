"""Trainings that decide by their logloss on held-out rows."""

import gc
import math
import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows
from components.trainer.devices import make_devices
from components.trainer.evaluation import evaluate
from components.trainer.hyperparameters import with_values
from components.trainer.loop.validation_rows import hold_out_last_rows
from components.trainer.train_variant import TrainingRows, train_variant
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.results import TrialResult
from components.trainer.tuning.rows import TuningRows


def train_once(config: TrainerConfig, rows: TuningRows) -> tuple[float, float]:
    """Trains a network as the trainers do, and throws it away.

    Returns:
      the logloss (nats) on the held-out rows, and the examples a second.

    Raises:
      InputError: if the configuration does not suit the rows, or the loss diverges.
    """
    gc.collect()  # the network and the compiled step of the training before are large
    devices = make_devices(config.device)
    files, validation_files = list(rows.train_files), list[str]()
    with tempfile.TemporaryDirectory(dir=rows.folder) as scratch:
        if config.validation_fraction:
            fraction = config.validation_fraction
            files, validation_files = hold_out_last_rows(files, fraction, scratch)
        else:  # what is evaluated without validation rows decides nothing
            config = with_values(config, {"evals_per_epoch": 0, "train_eval_rows": 0})
        used = TrainingRows(
            rows.transform_graph_uri, rows.features, files, count_rows(files), validation_files
        )
        network, summary = train_variant(config, used, devices)
    logloss = evaluate(network, config, rows.held_out_files, devices, are_negatives_sampled=True)
    return logloss, summary.train_examples_per_second


def train_seeds(config: TrainerConfig, rows: TuningRows, num_seeds: int) -> tuple[float, float]:
    """Returns the means of what `train_once` returns for the configured seed and those after it."""
    seeds = [(config.seed + index) % 2**31 for index in range(num_seeds)]
    results = [train_once(with_values(config, {"seed": seed}), rows) for seed in seeds]
    logloss, examples_per_second = np.mean(results, axis=0)
    return float(logloss), float(examples_per_second)


class Trials:
    """Trains configurations, each one once.

    Attributes: the arguments of the constructor.
    """

    def __init__(
        self, config: TrainerConfig, rows: TuningRows, num_seeds: int, journal: Journal
    ) -> None:
        """Takes what does not change.

        Args:
          config: as configured.
          rows: to train and to evaluate on.
          num_seeds: each result is the mean of so many trainings.
          journal: keeps the results.
        """
        self.config = config
        self.rows = rows
        self.num_seeds = num_seeds
        self.journal = journal

    def run(self, values: Mapping[str, Any]) -> TrialResult:
        """Trains the configuration with other values; see `hyperparameters.with_values`."""
        values = dict(values)
        key = f"{self.config.to_json()} {sorted(values.items())} {self.num_seeds}"
        return self.journal.recall("trial", key, TrialResult, lambda: self._run(values))

    def _run(self, values: dict[str, Any]) -> TrialResult:
        try:
            config = with_values(self.config, values)
            logloss, rate = train_seeds(config, self.rows, self.num_seeds)
        except (InputError, tf.errors.ResourceExhaustedError) as error:
            return TrialResult(values=values, logloss=None, error=str(error))
        if not math.isfinite(logloss):
            return TrialResult(values=values, logloss=None, error=f"the logloss is {logloss}")
        return TrialResult(values=values, logloss=logloss, train_examples_per_second=rate)
