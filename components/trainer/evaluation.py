"""The logloss of a network, as it is served."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from components.trainer.devices import Devices, make_devices
from components.trainer.model import Dlrm
from components.trainer.train_step import Batch, sum_over_replicas

_BATCH_ROWS = 8192


class Logloss:
    """Computes the logloss (nats) of a network whenever it is called.

    The rows are read each time; the computation is traced once.
    """

    def __init__(
        self,
        network: Dlrm,
        config: TrainerConfig,
        files: Sequence[str],
        are_negatives_sampled: bool = False,
        devices: Devices | None = None,
    ) -> None:
        """Takes what to evaluate on.

        Args:
          network: may change between calls.
          config: of its training.
          files: transformed Parquet files.
          are_negatives_sampled: whether rows without a click are missing from the files as they are
            from the train split: then each stands for those that were dropped, and the result
            estimates the logloss on the log as it was.
          devices: those that the network was made on; None is a single CPU.
        """
        devices = devices or make_devices("cpu")
        self._network = network
        self._logit_offset = config.served_logit_offset
        rate = config.negative_sampling_rate if are_negatives_sampled else 1.0
        self._negative_weight = 1.0 / rate
        num_rows = devices.evaluation_batch_rows(_BATCH_ROWS, config.batch_size)
        dataset = make_dataset(files, num_rows, window_rows=1)
        self._dataset = devices.distribute(dataset, self._prepare)
        self._step = devices.compile(self._sums, self._dataset.element_spec)

    def __call__(self) -> float:
        """Returns the logloss with the weights as they are now."""
        sums = [self._step(batch) for batch in self._dataset]
        # float32 holds no sum of millions of losses to the last digit.
        loss, weight = np.sum([each.numpy() for each in sums], axis=0, dtype=np.float64)
        return float(loss / weight)

    def _prepare(self, batch: Batch) -> Batch:
        features, label, weight = batch
        return self._network.with_rows(features), label, weight

    def _sums(self, batch: Batch) -> tf.Tensor:
        """Of the losses and of the weights of a batch, over all replicas, float32 `[2]`."""
        features, label, weight = batch
        weight = weight * tf.where(label > 0, 1.0, self._negative_weight)
        logits = self._network(features) + self._logit_offset
        losses = tf.nn.sigmoid_cross_entropy_with_logits(label, logits)
        return sum_over_replicas(tf.stack([tf.reduce_sum(weight * losses), tf.reduce_sum(weight)]))


def evaluate(
    network: Dlrm, config: TrainerConfig, files: Sequence[str], devices: Devices | None = None
) -> float:
    """Returns the logloss (nats) of a network on transformed Parquet files.

    It is the mean over the rows by their weights in the log, with the logits that are served.
    `Logloss` has the arguments.
    """
    return Logloss(network, config, files, devices=devices)()
