"""Stacks of tables that are kept small while they are trained, and how optimizers update them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.trained_storage import TrainedStorage
from components.trainer.repeated_rows import is_compiled_whole, sum_repeated_rows

ApplyState: TypeAlias = dict[object, dict[str, tf.Tensor]]  # by device and dtype


def trained_storage(embedding: Embedding) -> TrainedStorage | None:
    """Returns how its tables are kept while they are trained; None: as float32."""
    return embedding.storage if isinstance(embedding.storage, TrainedStorage) else None


def check_trained_as_float32(embeddings: Sequence[Embedding]) -> None:
    """Refuses tables that are trained otherwise.

    Raises:
      InputError: the message says which.
    """
    for storage in map(trained_storage, embeddings):
        if storage is not None:
            raise InputError(
                "embedding: expected tables that are trained as float32 on TPUs and on several "
                f"machines, received {type(storage).__name__} tables"
            )


@dataclass(frozen=True)
class SmallStack:
    """A stack of tables that are trained as their storage keeps them.

    Attributes:
      rows_only: float32 `[num_rows, 0]`, without a value: what an optimizer is told to update.
      storage: of the tables.
      arrays: what the storage decodes, by name.
      width: of a row.
      seed: of the rounding.
    """

    rows_only: tf.Variable
    storage: TrainedStorage
    arrays: Mapping[str, tf.Variable]
    width: int
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """Of the float32 table that it stands for."""
        return self.rows_only.shape[0], self.width

    def lookup(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the rows' values, float32, one axis `width` more."""
        return self.storage.lookup(self.arrays, rows, self.width)

    def add(self, rows: tf.Tensor, steps: tf.Tensor, step: tf.Tensor) -> tf.Operation:
        """Adds to rows.

        The random numbers follow from `seed` and `step`: a training that is taken up again has the
        same.

        Args:
          rows: integers, each at most once.
          steps: float32 `[len(rows), width]`, what is added.
          step: an int64 scalar, the steps before this one.
        """
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(step, tf.int64)])
        uniform = tf.random.stateless_uniform(tf.shape(steps), seed)
        values = self.lookup(rows) + steps
        rounded = self.storage.round_rows(values, uniform)
        return tf.group(
            *(
                tf.raw_ops.ResourceScatterUpdate(
                    resource=variable.handle, indices=rows, updates=rounded[name]
                )
                for name, variable in self.arrays.items()
            )
        )


class UpdatesSmallStacks(tf_keras.optimizers.legacy.Optimizer):
    """Lets an optimizer of tables update a `SmallStack` in place of a float32 variable.

    In a step that XLA compiles whole, all shapes are known beforehand; some rows that are updated
    lie outside of the table then, and nothing comes of them.

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

    def _resource_apply_sparse_duplicate_indices(
        self, grad: tf.Tensor, handle: tf.Variable, indices: tf.Tensor, apply_state: ApplyState
    ) -> tf.Operation:
        if is_compiled_whole():
            grad, indices = sum_repeated_rows(grad, indices, handle.shape[0])
            return self._resource_apply_sparse(grad, handle, indices, apply_state)
        return super()._resource_apply_sparse_duplicate_indices(
            grad, handle, indices, apply_state=apply_state
        )

    def _resource_scatter_update(self, x: tf.Variable, i: tf.Tensor, v: tf.Tensor) -> tf.Operation:
        return tf.raw_ops.ResourceScatterUpdate(resource=x.handle, indices=i, updates=v)
