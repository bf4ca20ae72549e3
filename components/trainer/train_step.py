"""One step of training: the loss of a batch, its gradients, the update."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.model import Dlrm
from components.trainer.optimizers import make_dense_optimizer, make_embedding_optimizer

Batch = tuple[Mapping[str, tf.Tensor], tf.Tensor, tf.Tensor]


class TrainStep(tf.Module):
    """Trains a network by batches.

    Lookups and updates of the tables are TensorFlow's own operations, which touch the rows of the
    batch only. What lies between them, forward and backward, is one piece that XLA compiles.
    (A step that is compiled whole copies the tables each time.)

    Attributes:
      learning_rate_factor: a float32 scalar that both learning rates are multiplied by.
      dense_optimizer: of `network.dense_variables`.
      embedding_optimizer: of `network.tables.stacks`.
    """

    def __init__(
        self, network: Dlrm, config: TrainerConfig, num_steps: int, jit_compile: bool = True
    ) -> None:
        """Makes the optimizers.

        Args:
          network: its variables are updated.
          config: how to train.
          num_steps: of the whole training; the learning rates end with it.
          jit_compile: whether XLA compiles the dense part. Each shape of a batch is compiled once.
        """
        super().__init__()
        self._network = network
        self._negative_weight = config.negative_weight
        self._clip_norm = config.gradient_clip_norm
        self.learning_rate_factor = tf.Variable(1.0, trainable=False)
        factor = self.learning_rate_factor
        self.dense_optimizer = make_dense_optimizer(config.dense_optimizer, num_steps, factor)
        self.embedding_optimizer = make_embedding_optimizer(
            config.embedding_optimizer, num_steps, factor
        )
        self._compiled = tf.function(
            self._loss_and_gradients, jit_compile=jit_compile, autograph=False
        )

    def __call__(self, batch: Batch) -> tf.Tensor:
        """Updates the network; returns the loss before that, nats, a float32 scalar.

        It is the mean of the binary cross-entropies, weighted by row.

        Args:
          batch: the features that `Dlrm` takes; the labels, float32 `[batch]`; the weights, float32
            `[batch]`, not all 0. A row of weight 0 changes nothing.
        """
        features, label, weight = batch
        weight = weight * tf.where(label > 0, 1.0, self._negative_weight)
        weight /= _sum_over_replicas(tf.reduce_sum(weight))
        rows = self._network.rows(features)
        gathered = self._network.tables.gather(rows)
        loss, of_gathered, of_dense = self._compiled(gathered, features, label, weight)
        if self._clip_norm is not None:
            clipped, _ = tf.clip_by_global_norm([*of_gathered, *of_dense], self._clip_norm)
            of_gathered, of_dense = clipped[: len(rows)], clipped[len(rows) :]
        stacks = self._network.tables.stacks
        slices = [_as_slices(*item) for item in zip(of_gathered, rows, stacks, strict=True)]
        self.embedding_optimizer.apply_gradients(zip(slices, stacks, strict=True))
        dense_variables = self._network.dense_variables
        self.dense_optimizer.apply_gradients(zip(of_dense, dense_variables, strict=True))
        return _sum_over_replicas(loss)

    def _loss_and_gradients(
        self,
        gathered: Sequence[tf.Tensor],
        features: Mapping[str, tf.Tensor],
        label: tf.Tensor,
        weight: tf.Tensor,
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """The loss, and its gradients in what was gathered and in the dense variables."""
        variables = self._network.dense_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([gathered, variables])
            logits = self._network.logits(gathered, features)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(label, logits)
            loss = tf.reduce_sum(weight * losses)
        of_gathered, of_dense = tape.gradient(loss, (list(gathered), variables))
        return loss, of_gathered, of_dense


def _as_slices(gradient: tf.Tensor, rows: tf.Tensor, stack: tf.Variable) -> tf.IndexedSlices:
    """The gradient of a stack, from that of the rows that were gathered."""
    return tf.IndexedSlices(
        tf.reshape(gradient, [-1, stack.shape[1]]), tf.reshape(rows, [-1]), tf.shape(stack)
    )


def _sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
