"""One step of training: the loss of a batch, its gradients, the update."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data import TEACHER_LOGIT
from components.trainer.losses import RowLoss
from components.trainer.model import Dlrm
from components.trainer.optimizers import (
    LearningRate,
    make_dense_optimizer,
    make_embedding_optimizer,
)
from components.trainer.prescaled_sgd import PrescaledSgd

Batch = tuple[Mapping[str, tf.Tensor], tf.Tensor, tf.Tensor]


class TrainStep(tf.Module):
    """Trains a network by batches.

    Lookups and updates of the tables are TensorFlow's own operations, which touch the rows of the
    batch only. What lies between them, forward and backward, is one piece that XLA compiles.
    (A step that is compiled whole copies the tables each time.)

    Attributes:
      learning_rate_factor: a float32 scalar that both learning rates are multiplied by.
      dense_optimizer: of `network.dense_variables`.
      embedding_optimizer: of `network.tables`.
      has_teacher: whether its batches have the logits of a teacher.
    """

    def __init__(
        self,
        network: Dlrm,
        config: TrainerConfig,
        num_steps: int,
        jit_compile: bool = True,
        mean_weight: float = 1.0,
    ) -> None:
        """Makes the optimizers.

        Args:
          network: its variables are updated.
          config: how to train.
          num_steps: of the whole training; the learning rates end with it.
          jit_compile: whether XLA compiles the dense part. Each shape of a batch is compiled once.
            Else it is part of whatever the step is traced in.
          mean_weight: of the rows that are trained on, see `divergence.mean_weight`.
        """
        super().__init__()
        self._network = network
        self._row_loss = RowLoss(config.loss, config.distillation)
        self.has_teacher = config.distillation.weight > 0
        self._negative_weight = config.negative_weight
        self._mean_weight = mean_weight
        self._clip_norm = config.gradient_clip_norm
        self._initial_accumulator_values = (
            config.embedding_optimizer.initial_accumulator_value,
            config.dense_optimizer.initial_accumulator_value,
        )
        self.learning_rate_factor = tf.Variable(1.0, trainable=False)
        factor = self.learning_rate_factor
        self.dense_optimizer = make_dense_optimizer(config.dense_optimizer, num_steps, factor)
        of_tables = config.embedding_optimizer
        takes_prescaled = network.tables.takes_prescaled and not network.tables.observes
        if of_tables.name == "sgd" and takes_prescaled and self._clip_norm is None:
            self.embedding_optimizer = PrescaledSgd(LearningRate(of_tables, num_steps, factor))
        else:
            self.embedding_optimizer = make_embedding_optimizer(of_tables, num_steps, factor)
        network.tables.use_optimizer(self.embedding_optimizer)
        self._loss_of_batch = (
            tf.function(self._loss_and_gradients, jit_compile=True, autograph=False)
            if jit_compile
            else self._loss_and_gradients
        )

    def __call__(self, batch: Batch) -> tf.Tensor:
        """Updates the network; returns the loss before that, a float32 scalar.

        It is sum(w * loss) / (mean_weight * number of rows), over all replicas, with the losses of
        `TrainerConfig.loss`: over all batches the mean by weight. (With the batch's own sum of
        weights instead of the mean's, a batch that lacks heavy rows would count as much as one that
        has them, and rare heavy clicks would be learned as too rare.) A row's `w` is its weight of
        the log times, for a row without a click, what makes up for those that were not sampled
        (`TrainerConfig.negative_weight`).

        Args:
          batch: the features that `Dlrm` takes, and `TEACHER_LOGIT`, float32 `[batch]`, without
            which the loss is that of the labels alone; the labels, float32 `[batch]`; the weights
            of the log, float32 `[batch]`, not all 0. A row of weight 0 changes nothing.
        """
        features, label, weight = batch
        weight = weight * tf.where(label > 0, 1.0, self._negative_weight)
        num_rows = tf.math.count_nonzero(weight, dtype=tf.float32)
        weight /= self._mean_weight * sum_over_replicas(num_rows)
        rows = self._network.rows(features)
        gathered, update_tables = self._network.tables.gather_to_train(rows)
        factor = getattr(self.embedding_optimizer, "gradient_factor", None)
        loss, of_gathered, of_dense = self._loss_of_batch(gathered, features, label, weight, factor)
        of_dense = sum_over_replicas(of_dense)
        if self._clip_norm is not None:
            of_gathered, of_dense = _clip(of_gathered, of_dense, self._clip_norm)
        if self._network.tables.observes:
            self._network.observe(features, of_gathered)
        update_tables(self.embedding_optimizer, of_gathered)
        self.dense_optimizer.apply_gradients(
            zip(of_dense, self._network.dense_variables, strict=True),
            experimental_aggregate_gradients=False,
        )
        return sum_over_replicas(loss)

    @property
    def embedding_bytes(self) -> int:
        """The bytes of all that training keeps for ids: tables, arrays, optimizer slots.

        The slots are made by the first step.
        """
        arrays = [v for e in self._network.tables.embeddings for v in e.variables]
        slots = [slot for _, slot in self._slots_of_arrays()]
        slots += [v for v in self.embedding_optimizer.variables() if v.shape.rank]
        kept = [*self._network.tables.table_variables, *arrays, *slots]
        return sum(int(np.prod(v.shape)) * v.dtype.size for v in kept)

    def _slots_of_arrays(self) -> list[tuple[str, tf.Variable]]:
        """What the dense optimizer remembers of the embeddings' arrays, with its names."""
        arrays = {v.ref() for e in self._network.tables.embeddings for v in e.trainable_variables}
        return [
            (name, self.dense_optimizer.get_slot(variable, name))
            for variable in self._network.dense_variables
            if variable.ref() in arrays
            for name in self.dense_optimizer.get_slot_names()
        ]

    def reset_tables(self) -> None:
        """Sets tables and arrays, and what is remembered of them, to what they were at first.

        Not for `TpuTables`.
        """
        self._network.tables.reset()
        optimizer, starts = self.embedding_optimizer, self._initial_accumulator_values
        slots = [
            (name, optimizer.get_slot(stack, name), starts[0])
            for stack in self._network.tables.stacks
            for name in optimizer.get_slot_names()
        ]
        slots += [(name, slot, starts[1]) for name, slot in self._slots_of_arrays()]
        for name, slot, start in slots:
            slot.assign(tf.fill(slot.shape, start if name == "accumulator" else 0.0))

    def prepare(self, batch: Batch) -> Batch:
        """Returns the batch with what the host can do for a step beforehand: the rows of the ids.

        A step takes a batch with or without it. On TPUs it must have it.
        """
        features, label, weight = batch
        return self._network.with_rows(features), label, weight

    def _loss_and_gradients(
        self,
        gathered: Sequence[tf.Tensor],
        features: Mapping[str, tf.Tensor],
        label: tf.Tensor,
        weight: tf.Tensor,
        factor: tf.Tensor | None,
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """The loss, and the gradients in what was gathered and in the dense variables.

        The loss is the mean over the members; the gradients are those of the sum, so a member
        learns as it would alone. The first of them are multiplied by `factor`.
        """
        variables = self._network.dense_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([gathered, variables])
            logits = self._network.logits(gathered, features)
            teacher_logits = features.get(TEACHER_LOGIT)
            members = tf.unstack(logits, num=logits.shape[1], axis=1)
            losses = [self._row_loss(label, each, teacher_logits) for each in members]
            loss = tf.reduce_sum(weight * tf.add_n(losses))
        of_gathered, of_dense = tape.gradient(loss, (list(gathered), variables))
        if factor is not None:
            of_gathered = [gradient * factor for gradient in of_gathered]
        return loss / logits.shape[1], of_gathered, of_dense


def _clip(
    of_gathered: Sequence[tf.Tensor], of_dense: Sequence[tf.Tensor], norm: float
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Shortens the gradients to `norm`, over all replicas.

    Args:
      of_gathered: this replica's own.
      of_dense: the sum over the replicas.
      norm: the largest length.
    """
    squares = sum_over_replicas(tf.add_n([tf.nn.l2_loss(g) for g in of_gathered]))
    squares += tf.add_n([tf.nn.l2_loss(g) for g in of_dense])
    length = tf.sqrt(2.0 * squares)
    # An infinite length would shorten all to 0, and the training would stand still unnoticed.
    factor = tf.where(tf.math.is_finite(length), norm / tf.maximum(length, norm), np.nan)
    return [g * factor for g in of_gathered], [g * factor for g in of_dense]


def gather_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas, those of the first one first."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return value
    return context.all_gather(value, axis=0)


def sum_over_replicas(value: Any) -> Any:
    """Returns the sum of a tensor, or of each tensor in a list."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)
