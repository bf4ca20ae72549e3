"""The logloss and other figures of a network, as it is served."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.classification_metrics import classification_metrics
from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from components.trainer.devices import Devices, make_devices
from components.trainer.model import Dlrm
from components.trainer.train_step import Batch, gather_over_replicas, sum_over_replicas

_BATCH_ROWS = 8192
LOGLOSS = "logloss"


class Evaluation:
    """Computes figures of a network whenever it is called.

    The rows are read each time; the computation is traced once.
    """

    def __init__(
        self,
        network: Dlrm,
        config: TrainerConfig,
        files: Sequence[str],
        are_negatives_sampled: bool = False,
        devices: Devices | None = None,
        with_metrics: bool = False,
    ) -> None:
        """Takes what to evaluate on.

        Args:
          network: may change between calls.
          config: of its training.
          files: transformed Parquet files.
          are_negatives_sampled: whether rows without a click are missing from the files as they are
            from the train split: then each stands for those that were dropped, and the result
            estimates the figures on the log as it was.
          devices: those that the network was made on; None is a single CPU.
          with_metrics: whether `classification_metrics` are computed, too. While that is done the
            predictions, labels and weights of all rows are in memory, 12 bytes a row, and 8 more to
            sort them; every worker holds them.
        """
        devices = devices or make_devices("cpu")
        self._network = network
        self._logit_offset = config.served_logit_offset
        rate = config.negative_sampling_rate if are_negatives_sampled else 1.0
        self._negative_weight = 1.0 / rate
        self._with_metrics = with_metrics
        num_rows = devices.evaluation_batch_rows(_BATCH_ROWS, config.batch_size)
        dataset = make_dataset(files, num_rows, window_rows=1)
        self._dataset = devices.distribute(dataset, self._prepare)
        self._step = devices.compile(self._of_batch, self._dataset.element_spec)

    def __call__(self) -> dict[str, float]:
        """Returns the figures with the weights as they are now, `LOGLOSS` (nats) the first."""
        batches = [self._step(batch) for batch in self._dataset]
        # float32 holds no sum of millions of losses to the last digit.
        sums = [batch[0].numpy() for batch in batches]
        loss, weight = np.sum(sums, axis=0, dtype=np.float64)
        figures = {LOGLOSS: float(loss / weight)}
        if self._with_metrics:
            rows = np.concatenate([batch[1].numpy() for batch in batches], axis=0)
            figures |= classification_metrics(*rows[rows[:, 2] > 0].T)
        return figures

    def _prepare(self, batch: Batch) -> Batch:
        features, label, weight = batch
        return self._network.with_rows(features), label, weight

    def _of_batch(self, batch: Batch) -> tuple[tf.Tensor, ...]:
        """Figures of a batch, over all replicas.

        The sums of the losses and of the weights, float32 `[2]`; with metrics, label, probability
        and weight of each row, float32 `[rows, 3]`.
        """
        features, label, weight = batch
        weight = weight * tf.where(label > 0, 1.0, self._negative_weight)
        logits = self._network(features) + self._logit_offset
        losses = tf.nn.sigmoid_cross_entropy_with_logits(label, logits)
        sums = sum_over_replicas(tf.stack([tf.reduce_sum(weight * losses), tf.reduce_sum(weight)]))
        if not self._with_metrics:
            return (sums,)
        rows = tf.stack([label, tf.sigmoid(logits), weight], axis=1)
        return sums, gather_over_replicas(rows)


def evaluate(
    network: Dlrm,
    config: TrainerConfig,
    files: Sequence[str],
    devices: Devices | None = None,
    are_negatives_sampled: bool = False,
) -> float:
    """Returns the logloss (nats) of a network on transformed Parquet files.

    It is the mean over the rows by their weights in the log, with the logits that are served.
    `Evaluation` has the arguments.
    """
    return Evaluation(network, config, files, are_negatives_sampled, devices)()[LOGLOSS]
