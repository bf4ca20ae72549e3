"""The training loop and the evaluation of a network."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
import tf_keras

from components.errors import InputError
from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from components.trainer.model import Dlrm
from components.training_record import TrainingSummary

_REPORT_SECONDS = 0.5
_FINAL_LOSS_STEPS = 100
_EVAL_BATCH_ROWS = 8192


class ClickModel(tfrs.Model):
    """A network with its task: predict clicks, by the mean binary cross-entropy (nats)."""

    def __init__(self, network: Dlrm, config: TrainerConfig) -> None:
        """Takes the network to train and how its rows were sampled."""
        super().__init__()
        self._network = network
        self._negative_weight = config.negative_weight
        self._served_logit_offset = config.served_logit_offset
        self._task = tfrs.tasks.Ranking(
            loss=tf_keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[tf_keras.metrics.BinaryCrossentropy(name="logloss", from_logits=True)],
        )

    def compute_loss(
        self, inputs: tuple[Mapping[str, tf.Tensor], tf.Tensor], training: bool = False
    ) -> tf.Tensor:
        """Returns the mean loss of a batch, a float32 scalar; updates the metric in evaluation.

        Training takes the weighted mean over the rows that were sampled; evaluation the plain mean
        over all rows, with the logits that are served.

        Args:
          inputs: the features that `Dlrm` takes, and the labels, float32 `[batch]`.
          training: whether it is a training step.
        """
        features, label = inputs
        logits = self._network(features)
        weight = None
        if not training:
            logits += self._served_logit_offset
        elif self._negative_weight != 1.0:
            weight = tf.where(label > 0, 1.0, self._negative_weight)
            weight = (weight / tf.reduce_mean(weight))[:, None]
        # Keras takes the mean over the last axis, so each row becomes its own.
        return self._task(
            label[:, None], logits[:, None], sample_weight=weight, compute_metrics=not training
        )


def make_optimizer(
    network: Dlrm, config: TrainerConfig, num_steps: int
) -> tf_keras.optimizers.legacy.Optimizer:
    """Makes one optimizer with a learning rate for the MLPs and one for the embeddings.

    The rate of the MLPs falls linearly over `num_steps`. The legacy optimizers update only the rows
    of the batch; the newer ones and both Adams go through the whole table at every step.
    """
    mlp_rate = tf_keras.optimizers.schedules.PolynomialDecay(
        config.learning_rate,
        decay_steps=num_steps,
        end_learning_rate=config.learning_rate * config.final_learning_rate_fraction,
    )
    if config.optimizer == "adagrad":
        mlp = tf_keras.optimizers.legacy.Adagrad(mlp_rate, 0.0)
        embedding = tf_keras.optimizers.legacy.Adagrad(
            config.embedding_learning_rate, config.embedding_initial_accumulator_value
        )
    else:
        mlp = tf_keras.optimizers.legacy.SGD(mlp_rate)
        embedding = tf_keras.optimizers.legacy.SGD(config.embedding_learning_rate)
    return tfrs.experimental.optimizers.CompositeOptimizer(
        [
            (mlp, lambda: network.mlp_variables),
            (embedding, lambda: network.embedding_variables),
        ]
    )


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
                    f"{self.num_read}: lower learning_rate ({self._config.learning_rate}) and "
                    f"embedding_learning_rate ({self._config.embedding_learning_rate}), or look "
                    "for values in the data that are not finite"
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
    num_steps = config.epochs * math.ceil(num_rows / config.batch_size)
    model = ClickModel(network, config)
    model.compile(optimizer=make_optimizer(network, config, num_steps))
    datasets = [
        make_dataset(files, config.batch_size, config.shuffle_window_rows, (config.seed, epoch))
        for epoch in range(config.epochs)
    ]
    start_seconds = time.monotonic()
    step = _trace(lambda inputs: model.train_step(inputs)["loss"], datasets[0])
    trace_seconds = time.monotonic() - start_seconds

    watch, stopwatch = _Watch(config, num_steps), _Stopwatch()
    for epoch, dataset in enumerate(datasets, start=1):
        for inputs in dataset:
            loss = step(inputs)
            stopwatch.add(int(inputs[1].shape[0]))
            watch.add(loss, epoch, stopwatch.examples_per_second())
    watch.read()
    return TrainingSummary(
        train_steps=watch.num_read,
        trace_seconds=trace_seconds,
        train_seconds=stopwatch.seconds(),
        train_examples_per_second=stopwatch.examples_per_second(),
        final_train_loss=float(np.mean(watch.last_losses)),
    )


def evaluate(network: Dlrm, config: TrainerConfig, files: Sequence[str]) -> float:
    """Returns the logloss (nats) of a network, as it is served, on transformed Parquet files."""
    model = ClickModel(network, config)
    dataset = make_dataset(files, _EVAL_BATCH_ROWS, window_rows=1)
    step = _trace(lambda inputs: model.test_step(inputs)["loss"], dataset)
    for inputs in dataset:
        step(inputs)
    [logloss] = model.metrics
    return float(logloss.result())


def _trace(step: Callable[..., tf.Tensor], dataset: tf.data.Dataset) -> Callable[..., tf.Tensor]:
    """Returns `step` as one graph for every batch of `dataset`."""
    return tf.function(step, autograph=False).get_concrete_function(dataset.element_spec)
