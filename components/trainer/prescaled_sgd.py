"""SGD of tables whose gradients come multiplied already."""

import tensorflow as tf

from components.trainer.optimizers import SparseSgd


class PrescaledSgd(SparseSgd):
    """SGD that adds what it is given: gradients times `gradient_factor`.

    Whoever computes the gradients multiplies them on the way, inside what XLA compiles, where it
    costs nothing. A pass of its own reads and writes `[batch * lookups, width]` values.
    """

    @property
    def gradient_factor(self) -> tf.Tensor:
        """The negative learning rate of this step, a float32 scalar."""
        with tf.init_scope():  # makes the counter before the first step, outside of its graph
            iterations = self.iterations
        return -self.learning_rate(iterations)

    def _steps(self, grad: tf.Tensor, *unused: object) -> tf.Tensor:
        return grad
