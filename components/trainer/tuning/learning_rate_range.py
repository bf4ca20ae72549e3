"""The range test of the learning rates: loss against a rate that grows from step to step."""

import itertools
import math
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tf_keras

from components import parquet
from components.progress import report
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from components.trainer.devices import Devices, make_devices
from components.trainer.hyperparameters import with_values
from components.trainer.loop.divergence import constant_loss, mean_weight
from components.trainer.model import Dlrm
from components.trainer.train_step import Batch, TrainStep
from components.trainer.tuning.config import LearningRateRangeConfig
from components.trainer.tuning.learning_rate_rule import divergence_limit, read_range_test
from components.trainer.tuning.results import RateRange, RateRanges
from components.trainer.tuning.rows import TuningRows, write_first_rows

PARTS = ("dense_optimizer", "embedding_optimizer")


def find_learning_rates(
    config: TrainerConfig,
    rows: TuningRows,
    options: LearningRateRangeConfig,
    devices: Devices | None = None,
) -> RateRanges:
    """Finds out how the loss depends on each of the two learning rates.

    While the rate of one part of the network grows, the other part learns at its configured rate,
    without warm-up and decay. So the loss falls whatever the first one does; what tells is how much
    lower it is than in a training with the same rows where the first part is at rest. It is
    measured on the same held-out rows after each rate: so it neither jumps from batch to batch nor
    rewards tables that remember their rows. A training ends as soon as its loss diverges.

    Args:
      config: as configured.
      rows: to train and to measure on.
      options: of the test.
      devices: a single one; losses are the same on all of them. None is a GPU, else the CPU.
    """
    devices = devices or make_devices("gpu" if tf.config.list_logical_devices("GPU") else "cpu")
    path = os.path.join(rows.folder, "probe.parquet")
    write_first_rows(rows.held_out_files, options.probe_rows, path)
    constant = constant_loss([path], 1.0 / config.negative_sampling_rate)
    rates = {part: _rates(getattr(config, part).learning_rate, options) for part in PARTS}
    losses: dict[str, list[list[float]]] = {part: [] for part in PARTS}
    at_rest: dict[str, list[list[float]]] = {part: [] for part in PARTS}
    for index in range(options.num_seeds):
        seeded = with_values(config, {"seed": (config.seed + index) % 2**31})
        limit = divergence_limit(constant)
        training = _Training(seeded, rows, path, options.steps_per_point, limit, devices)
        for part in PARTS:
            name = f"learning rates, seed {index + 1} of {options.num_seeds}: {part}"
            losses[part].append(training.run(part, rates[part], name))
            zeros = np.zeros_like(rates[part])
            at_rest[part].append(training.run(part, zeros, f"{name} at rest"))
    ranges = []
    for part in PARTS:
        # The part that learns alone may diverge too, at its configured rate.
        rest = np.minimum(np.nan_to_num(at_rest[part], nan=np.inf), divergence_limit(constant))
        reading = read_range_test(
            rates[part],
            np.array(losses[part]),
            rest,
            constant,
            getattr(config, part).mean_fraction,
        )
        ranges.append(
            RateRange(
                field=f"{part}.learning_rate",
                configured=getattr(config, part).learning_rate,
                rates=tuple(map(float, rates[part])),
                loss_at_rest=tuple(map(float, np.median(rest, axis=0))),
                constant_loss=constant,
                **vars(reading),
            )
        )
    return RateRanges(ranges=tuple(ranges))


def _rates(configured: float, options: LearningRateRangeConfig) -> np.ndarray:
    first, last = configured * options.min_factor, configured * options.max_factor
    return np.geomspace(first, last, options.num_points)


class _Rate(tf_keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is set from outside between steps."""

    def __init__(self) -> None:
        self.value = tf.Variable(0.0, trainable=False)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self.value.read_value()

    def get_config(self) -> dict[str, object]:
        raise NotImplementedError("the rate of a range test is not part of a model")


class _Training:
    """A network that is trained from the same start again and again."""

    def __init__(
        self,
        config: TrainerConfig,
        rows: TuningRows,
        probe_path: str,
        steps_per_point: int,
        limit: float,
        devices: Devices,
    ) -> None:
        self._config = config
        self._rows = rows
        self._steps_per_point = steps_per_point
        self._limit = limit
        self._devices = devices
        with devices.scope():
            network = make_dlrm(config, rows.features.vocabulary_sizes, rows.features.dense_width)
            weight = mean_weight(rows.train_files, config.negative_weight)
            step = TrainStep(network, config, 1, devices.jit_compile, weight)
            self._learning_rates = {part: _Rate() for part in PARTS}
            for part, rate in self._learning_rates.items():
                getattr(step, part).learning_rate = rate
            self._train_step = step
            spec = self._dataset(0).element_spec
            self._run_step = devices.compile(step, spec)  # makes the optimizers' variables
            self._probe = _Probe(network, config, probe_path, devices)
        self._checkpoint = tf.train.Checkpoint(step=step)
        self._start = self._checkpoint.write(os.path.join(rows.folder, f"start-{config.seed}"))

    def run(self, part: str, rates: np.ndarray, name: str) -> list[float]:
        """Returns the loss after each rate; infinite from the one on at which it diverges."""
        self._checkpoint.read(self._start).assert_consumed()
        for other in PARTS:
            self._learning_rates[other].value.assign(getattr(self._config, other).learning_rate)
        batches, losses = self._batches(), list[float]()
        for rate in rates:
            self._learning_rates[part].value.assign(rate)
            for batch in itertools.islice(batches, self._steps_per_point):
                self._run_step(batch)
            loss = self._probe.loss()
            if not loss < self._limit:
                break
            losses.append(loss)
            report(f"{name}, rate {rate:.2e}, loss {loss:.4f}")
        return losses + [math.inf] * (len(rates) - len(losses))

    def _batches(self) -> Iterator[Batch]:
        for epoch in itertools.count():
            yield from self._dataset(epoch)

    def _dataset(self, epoch: int) -> tf.data.Dataset:
        config = self._config
        dataset = make_dataset(
            self._rows.train_files,
            config.batch_size,
            config.shuffle_window_rows,
            (config.seed, epoch),
        )
        return self._devices.distribute(dataset, self._train_step.prepare)


class _Probe:
    """The held-out rows that the loss is measured on, in memory."""

    def __init__(self, network: Dlrm, config: TrainerConfig, path: str, devices: Devices) -> None:
        self._network = network
        # What is held out of the train split lacks the negatives that were not sampled.
        self._negative_weight = 1.0 / config.negative_sampling_rate
        self._logit_offset = config.served_logit_offset
        dataset = make_dataset([path], parquet.count_rows(path), window_rows=1)
        [self._batch] = dataset
        self._loss = devices.compile(self._mean, dataset.element_spec)

    def loss(self) -> float:
        """Returns the logloss (nats) of the network as it is now."""
        return float(self._loss(self._batch))

    def _mean(self, batch: Batch) -> tf.Tensor:
        features, label, weight = batch
        weight = weight * tf.where(label > 0, 1.0, self._negative_weight)
        logits = self._network(features) + self._logit_offset
        losses = tf.nn.sigmoid_cross_entropy_with_logits(label, logits)
        return tf.reduce_sum(weight * losses) / tf.reduce_sum(weight)
