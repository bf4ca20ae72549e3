"""The learning rates of a training at any of its steps."""

import tensorflow as tf

from components.trainer.train_step import TrainStep


class LearningRates:
    """Reads the learning rates of both optimizers."""

    def __init__(self, train_step: TrainStep) -> None:
        """Takes whose they are."""
        self._train_step = train_step
        self._rates = tf.function(self._rates_at, autograph=False)

    def at_step(self, step: int) -> tuple[float, float]:
        """Returns those of the dense variables and of the tables at a step, counted from 1.

        They hold the factor of today: it must not have changed since that step.
        """
        dense, tables = self._rates(tf.constant(step - 1, tf.int64)).numpy()
        return float(dense), float(tables)

    def describe(self, step: int) -> str:
        """Returns where a training was, for a message."""
        dense, tables = self.at_step(step)
        return (
            f"at step {step:,}, where the learning rates were {dense:.3g} (dense_optimizer) and "
            f"{tables:.3g} (embedding_optimizer)"
        )

    def _rates_at(self, step: tf.Tensor) -> tf.Tensor:
        optimizers = (self._train_step.dense_optimizer, self._train_step.embedding_optimizer)
        return tf.stack([optimizer.learning_rate(step) for optimizer in optimizers])
