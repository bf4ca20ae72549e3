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
        return -self.learning_rate(self.iterations)

    def _resource_apply_sparse_duplicate_indices(
        self,
        grad: tf.Tensor,
        handle: tf.Variable,
        indices: tf.Tensor,
        apply_state: dict[object, dict[str, tf.Tensor]],
    ) -> tf.Operation:
        return self._resource_scatter_add(handle, indices, grad)
