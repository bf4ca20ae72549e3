"""What an optimizer needs to train tables that are kept small."""

import tensorflow as tf
import tf_keras

from components.trainer.trained_storage import SmallStack


class UpdatesSmallStacks(tf_keras.optimizers.legacy.Optimizer):
    """Lets an optimizer of tables update a `SmallStack` in place of a float32 variable.

    The optimizer is given `SmallStack.rows_only` as the variable. Its slots get the shape of the
    float32 table; what it would add to the variable's rows goes to `SmallStack.add`.
    """

    _small_stacks: tuple[SmallStack, ...] = ()

    def update_small(self, stacks: tuple[SmallStack, ...]) -> None:
        """Takes the stacks, before the first update."""
        self._small_stacks = stacks

    def find_small(self, variable: tf.Variable) -> SmallStack | None:
        """Returns the stack whose `rows_only` it is, or its part on one replica."""
        whole = variable
        if not isinstance(variable, tf.distribute.DistributedValues):
            # Where there are replicas, TensorFlow keeps a way to the variable of all of them here.
            whole = getattr(variable.handle, "_distributed_container", lambda: variable)()
        return next((s for s in self._small_stacks if s.rows_only is whole), None)

    def add_slot(
        self,
        var: tf.Variable,
        slot_name: str,
        initializer: object = "zeros",
        shape: object = None,
    ) -> tf.Variable:
        """Makes a slot, shaped like the float32 table if no shape is given."""
        small = self.find_small(var)
        if small is not None and shape is None:
            shape = small.shape
        return super().add_slot(var, slot_name, initializer, shape)

    def add_to_rows(self, variable: tf.Variable, rows: tf.Tensor, steps: tf.Tensor) -> tf.Operation:
        """Adds to rows of a variable or of the small stack that it stands for.

        Args:
          variable: what the optimizer updates.
          rows: integers, each at most once.
          steps: float32 `[len(rows), width]`.
        """
        small = self.find_small(variable)
        if small is None:
            return self._resource_scatter_add(variable, rows, steps)
        return small.add(rows, steps, self.iterations)

    def _resource_scatter_update(self, x: tf.Variable, i: tf.Tensor, v: tf.Tensor) -> tf.Operation:
        return tf.raw_ops.ResourceScatterUpdate(resource=x.handle, indices=i, updates=v)
