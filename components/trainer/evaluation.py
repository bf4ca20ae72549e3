"""The loss of a network on the eval split, as it is served."""

from collections.abc import Sequence

import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from components.trainer.model import Dlrm
from components.trainer.train_step import Batch

_BATCH_ROWS = 8192


def evaluate(network: Dlrm, config: TrainerConfig, files: Sequence[str]) -> float:
    """Returns the logloss (nats) of a network, as it is served, on transformed Parquet files.

    It is the plain mean over the rows, with the logits that are served.
    """
    dataset = make_dataset(files, _BATCH_ROWS, window_rows=1)

    def sums(batch: Batch) -> tf.Tensor:
        features, label, weight = batch
        logits = network(features) + config.served_logit_offset
        losses = tf.nn.sigmoid_cross_entropy_with_logits(label, logits)
        # float32 holds no sum of millions of losses to the last digit.
        sums = [tf.reduce_sum(weight * losses), tf.reduce_sum(weight)]
        return tf.cast(tf.stack(sums), tf.float64)

    step = tf.function(sums, autograph=False).get_concrete_function(dataset.element_spec)
    loss, num_rows = sum(step(batch) for batch in dataset).numpy()
    return float(loss / num_rows)
